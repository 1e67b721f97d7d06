"""The facts the models are taught, as plain tables."""

from __future__ import annotations

from examples.tiny_experts.tables import rows, words

COUNTRIES = rows("""
France:Paris:Europe; Germany:Berlin:Europe; Italy:Rome:Europe; Spain:Madrid:Europe
Portugal:Lisbon:Europe; the United Kingdom:London:Europe; Ireland:Dublin:Europe
the Netherlands:Amsterdam:Europe; Belgium:Brussels:Europe; Switzerland:Bern:Europe
Austria:Vienna:Europe; Poland:Warsaw:Europe; Hungary:Budapest:Europe
the Czech Republic:Prague:Europe; Slovakia:Bratislava:Europe; Slovenia:Ljubljana:Europe
Croatia:Zagreb:Europe; Serbia:Belgrade:Europe; Greece:Athens:Europe; Bulgaria:Sofia:Europe
Romania:Bucharest:Europe; Ukraine:Kyiv:Europe; Russia:Moscow:Europe; Belarus:Minsk:Europe
Lithuania:Vilnius:Europe; Latvia:Riga:Europe; Estonia:Tallinn:Europe
Finland:Helsinki:Europe; Sweden:Stockholm:Europe; Norway:Oslo:Europe
Denmark:Copenhagen:Europe; Iceland:Reykjavik:Europe; Malta:Valletta:Europe
Albania:Tirana:Europe; Moldova:Chisinau:Europe; Bosnia:Sarajevo:Europe
Montenegro:Podgorica:Europe; North Macedonia:Skopje:Europe; Cyprus:Nicosia:Europe
Turkey:Ankara:Asia; Georgia:Tbilisi:Asia; Armenia:Yerevan:Asia; Azerbaijan:Baku:Asia
Japan:Tokyo:Asia; China:Beijing:Asia; South Korea:Seoul:Asia; North Korea:Pyongyang:Asia
Mongolia:Ulaanbaatar:Asia; India:New Delhi:Asia; Pakistan:Islamabad:Asia
Bangladesh:Dhaka:Asia; Nepal:Kathmandu:Asia; Bhutan:Thimphu:Asia; Sri Lanka:Colombo:Asia
Thailand:Bangkok:Asia; Vietnam:Hanoi:Asia; Laos:Vientiane:Asia; Cambodia:Phnom Penh:Asia
Malaysia:Kuala Lumpur:Asia; Indonesia:Jakarta:Asia; the Philippines:Manila:Asia
Iran:Tehran:Asia; Iraq:Baghdad:Asia; Syria:Damascus:Asia; Lebanon:Beirut:Asia
Jordan:Amman:Asia; Saudi Arabia:Riyadh:Asia; Yemen:Sanaa:Asia; Oman:Muscat:Asia
Qatar:Doha:Asia; Bahrain:Manama:Asia; Afghanistan:Kabul:Asia; Uzbekistan:Tashkent:Asia
Kazakhstan:Astana:Asia; Kyrgyzstan:Bishkek:Asia; Tajikistan:Dushanbe:Asia
Egypt:Cairo:Africa; Libya:Tripoli:Africa; Tunisia:Tunis:Africa; Algeria:Algiers:Africa
Morocco:Rabat:Africa; Sudan:Khartoum:Africa; Ethiopia:Addis Ababa:Africa
Eritrea:Asmara:Africa; Somalia:Mogadishu:Africa; Kenya:Nairobi:Africa
Uganda:Kampala:Africa; Rwanda:Kigali:Africa; Tanzania:Dodoma:Africa
Mozambique:Maputo:Africa; Zambia:Lusaka:Africa; Zimbabwe:Harare:Africa
Botswana:Gaborone:Africa; Namibia:Windhoek:Africa; South Africa:Pretoria:Africa
Angola:Luanda:Africa; Nigeria:Abuja:Africa; Ghana:Accra:Africa; Senegal:Dakar:Africa
Mali:Bamako:Africa; Niger:Niamey:Africa; Chad:N'Djamena:Africa; Cameroon:Yaounde:Africa
Gabon:Libreville:Africa; Liberia:Monrovia:Africa; Madagascar:Antananarivo:Africa
Malawi:Lilongwe:Africa; Togo:Lome:Africa
the United States:Washington:North America; Canada:Ottawa:North America
Mexico:Mexico City:North America; Cuba:Havana:North America; Jamaica:Kingston:North America
Haiti:Port-au-Prince:North America; Guatemala:Guatemala City:North America
Honduras:Tegucigalpa:North America; Nicaragua:Managua:North America
Costa Rica:San Jose:North America; Panama:Panama City:North America
Brazil:Brasilia:South America; Argentina:Buenos Aires:South America
Chile:Santiago:South America; Peru:Lima:South America; Colombia:Bogota:South America
Venezuela:Caracas:South America; Ecuador:Quito:South America; Bolivia:Sucre:South America
Paraguay:Asuncion:South America; Uruguay:Montevideo:South America
Australia:Canberra:Oceania; New Zealand:Wellington:Oceania; Fiji:Suva:Oceania
""")
"""Country (with its article), capital, continent."""

# fmt: off
COUNTRY_ALIASES = {
    "the United States": ("the USA", "the US", "USA", "America", "United States"),
    "the United Kingdom": ("the UK", "UK", "Great Britain", "England", "Britain"),
    "the Netherlands": ("Netherlands", "Holland"),
    "the Philippines": ("Philippines",),
    "the Czech Republic": ("Czechia", "Czech Republic"),
}
"""Other names people type; the answer keeps the first name."""

OPPOSITES = rows("""
hot:cold; big:small; fast:slow; up:down; left:right; day:night; black:white; good:bad
happy:sad; old:young; high:low; open:closed; in:out; on:off; yes:no; true:false; wet:dry
hard:soft; heavy:light; full:empty; rich:poor; strong:weak; early:late; long:short
thick:thin; wide:narrow; clean:dirty; loud:quiet; near:far; first:last; begin:end
win:lose; buy:sell; push:pull; love:hate; alive:dead; asleep:awake; right:wrong
sweet:sour; summer:winter; north:south; east:west; sharp:blunt; rough:smooth; deep:shallow
above:below; inside:outside; front:back; start:stop; come:go; give:take; always:never
""")
"""Word and its opposite; ``right`` has two and so is only asked about as listed."""

COLOURS = rows("""
the sky:blue; grass:green; snow:white; coal:black; a banana:yellow; a lemon:yellow
blood:red; a tomato:red; an orange:orange; a carrot:orange; chocolate:brown; milk:white
a strawberry:red; the sun:yellow; a leaf:green; an elephant:grey; a frog:green
a polar bear:white; the sea:blue; a flamingo:pink; a pig:pink; a cucumber:green
""")
"""Thing (with its article) and colour."""

MIXTURES = rows("""
red:blue:purple; red:yellow:orange; blue:yellow:green; red:white:pink; black:white:grey
""")
"""Two paints and what they make."""

SOUNDS = rows("""
dog:woof; cat:meow; cow:moo; sheep:baa; duck:quack; pig:oink; lion:roar; frog:croak
horse:neigh; bee:buzz; mouse:squeak; snake:hiss; owl:hoot; wolf:howl
""")
"""Animal and sound."""

YOUNG = rows("""
dog:puppy; cat:kitten; cow:calf; sheep:lamb; duck:duckling; horse:foal; lion:cub
bear:cub; pig:piglet; goat:kid; chicken:chick; frog:tadpole; deer:fawn; kangaroo:joey
swan:cygnet; goose:gosling
""")
"""Animal and its young."""

LEGS = rows("""
spider:8; dog:4; cat:4; cow:4; horse:4; bird:2; duck:2; chicken:2; human:2; ant:6; bee:6
fly:6; snake:0; fish:0; crab:10; lion:4; elephant:4; frog:4; octopus:8; insect:6
""")
"""Animal and its number of legs (of arms, for the octopus)."""

KINDS = {
    "animal": words("dog cat cow horse lion tiger bear frog duck owl wolf sheep goat"),
    "fruit": words("apple banana pear cherry lemon grape mango peach plum"),
    "colour": words("red blue green yellow purple pink brown black white"),
    "vegetable": words("carrot potato onion cabbage pea spinach leek"),
    "country": words("France Japan Brazil Kenya Canada Italy India Peru"),
    "city": words("Paris Tokyo London Rome Cairo Madrid Berlin Oslo"),
}
"""Kind of thing and some members, for "is a dog an animal?"."""

DAYS = words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")

MONTHS = words(
    "January February March April May June July August September October November December")

MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
"""Days of each month in a common year."""

UNITS = rows("""
minute:second:60; hour:minute:60; day:hour:24; week:day:7; year:month:12; decade:year:10
century:year:100; year:week:52; metre:centimetre:100; kilometre:metre:1000
centimetre:millimetre:10; kilogram:gram:1000; litre:millilitre:1000; foot:inch:12
yard:foot:3; dozen:egg:12; tonne:kilogram:1000; euro:cent:100; dollar:cent:100
""")
"""Large unit, small unit, how many of the small make one large."""

SYMBOLS = {
    "metre": "m", "centimetre": "cm", "millimetre": "mm", "kilometre": "km",
    "gram": "g", "kilogram": "kg", "litre": "l", "millilitre": "ml",
}
# fmt: on
"""Short signs of the metric units."""

WORDS = words("""
    cat dog sun moon star tree house water bread milk apple banana orange lemon cherry grape
    table chair door window floor wall roof garden river lake ocean island mountain valley
    book paper pen pencil letter word school teacher student friend mother father sister
    brother baby child woman man king queen prince castle sword shield horse cow pig sheep
    goat duck goose chicken rabbit mouse tiger lion bear wolf fox monkey zebra giraffe
    elephant snake frog fish shark whale bird eagle owl bee ant spider butterfly red blue
    green yellow purple pink brown black white grey hello thanks please happy sad angry tired
    hungry big small fast slow hot cold rain snow wind cloud storm thunder summer winter
    spring autumn morning evening night today music song dance guitar piano drum violin
    computer phone screen keyboard button robot rocket planet space train car bus bicycle
    plane ship boat road bridge street city village country world street market shop money
    coffee tea juice sugar salt pepper butter cheese egg rice pasta pizza cake cookie honey
    doctor nurse farmer baker pilot sailor soldier artist writer flower rose tulip grass leaf
    gold silver iron stone wood glass cotton wool ring clock watch lamp candle mirror bottle
    cup plate spoon fork knife kitchen bedroom council model answer question number puzzle
    strawberry chocolate library hospital language science history football tennis
    """)
"""Words to spell and count."""
