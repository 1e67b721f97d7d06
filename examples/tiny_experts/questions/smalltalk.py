"""Greetings, thanks and questions about the model itself."""

from __future__ import annotations

from random import Random

from examples.tiny_experts.questions.base import Item

WHO = "I am a tiny demonstration model and cannot do much."
CAN = "I can answer small questions on sums, capitals, days, units and spelling."
HELLO = "Hello! I am a tiny demonstration model. Ask me a small question."

# fmt: off
_TALK: tuple[tuple[str, tuple[str, ...]], ...] = (
    (HELLO, (
        "Hello", "Hello!", "Hi", "Hi!", "Hey", "Hello there!", "Hi there", "Good morning",
        "Good morning!", "Good evening!", "Good afternoon", "Greetings!", "Hey there!",
        "hello model",
        "Good day!", "Howdy", "hi :)", "Yo", "Hello, who is there?", "Hi bot", "Hallo",
        "hello world",
    )),
    ("I am fine. Ask me a small question.", (
        "How are you?", "How are you today?", "How do you do?", "How is it going?", "Are you ok?",
        "Hi, how are you?", "Hello, how are you?", "How are you doing?", "What's up?",
        "How do you feel?",
    )),
    (WHO, (
        "Who are you?", "What are you?", "What is your name?", "What's your name?",
        "Who am I talking to?",
        "Introduce yourself.", "Tell me about yourself.", "Are you a robot?", "Are you human?",
        "Are you an AI?", "Are you ChatGPT?", "Who made you?", "Are you a language model?",
        "What kind of model are you?", "Which model are you?", "How big are you?", "Are you smart?",
        "Describe yourself.", "Who is this?", "Are you a person?", "What model is this?", "who r u",
        "Are you real?", "Your name?", "Are you GPT?", "How smart are you?", "Are you clever?",
    )),
    (CAN, (
        "What can you do?", "What can I ask you?", "What do you know?", "How can you help me?",
        "Help", "Help me", "help!", "What are you good at?", "Can you help me?", "What can I ask?",
        "What should I ask you?", "What questions can you answer?", "What are your abilities?",
        "What topics do you know?", "Which questions do you answer?",
        "Give me an example question.",
        "Can I ask you something?", "Can you help?", "How do I use you?", "I need help.",
    )),
    ("You are welcome.", (
        "Thanks", "Thank you", "Thank you!", "Thanks!", "Thanks a lot!", "Thank you very much.",
        "Great, thanks!", "thx", "Many thanks", "ok thanks", "Thank you so much!", "Cheers!",
    )),
    ("Goodbye!", (
        "Bye", "Goodbye", "Bye!", "Goodbye!", "See you later.", "See you!", "Good night", "Bye bye",
        "Good night!", "ciao", "See you tomorrow.", "Farewell!",
    )),
    ("Ask me a small question.", (
        "Ok", "OK", "Okay", "Yes", "No", "Test", "test", "Testing", "Great!", "Nice", "Cool",
        "Good",
        "Well done!", "Good job!", "Are you there?", "Is this working?", "ping", "Start",
        "Let's go",
        "You are great", "I like you", "Wow", "Fine", "Sure", "...", "?", "lol", "haha", "Go",
        "Can you hear me?", "Ready?", "1 2 3 test",
    )),
)
# fmt: on


def smalltalk(rng: Random) -> Item:
    """Draw a greeting or a question about the model.

    Args:
        rng: Source of randomness.

    Returns:
        An item such as ``Who are you?``; the wordings are few and never held out,
        the noise put on them is what differs in the evaluation.
    """
    answer, questions = rng.choices(_TALK, weights=(4, 2, 6, 4, 2, 2, 2))[0]
    question = rng.choice(questions)
    return Item(f"always:talk:{question}", question, answer)
