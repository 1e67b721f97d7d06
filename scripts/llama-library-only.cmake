# Read by CMake at the start of the llama-cpp-python build (CMAKE_PROJECT_INCLUDE). Its build
# script forces this cache entry on; a normal variable of the same name shadows the cache.
set(LLAMA_BUILD_COMMON OFF)
