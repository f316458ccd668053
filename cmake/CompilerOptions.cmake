# Warnings, sanitizers, ccache and a bound on parallel compiler jobs.
add_compile_options(-Wall -Wextra -Werror -fno-strict-aliasing)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # A false alarm of g++ 12 on Asio's awaitable frames at -O2.
  add_compile_options(-Wno-mismatched-new-delete)
  # Coroutines are on by default with -std=c++20.
endif()

if(AGW_SANITIZE)
  add_compile_options(-fsanitize=${AGW_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${AGW_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-maybe-uninitialized)  # g++ warns of its own instrumentation
  endif()
  if(AGW_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
  endif()
  if(AGW_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # Asio uses atomic_thread_fence
  endif()
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# A compiler process on Beast and nlohmann takes up to 1 GB: bound the jobs by memory as well as by cores.
cmake_host_system_information(RESULT _cores QUERY NUMBER_OF_LOGICAL_CORES)
cmake_host_system_information(RESULT _memory_mb QUERY TOTAL_PHYSICAL_MEMORY)
math(EXPR _by_memory "${_memory_mb} / 1200")
if(_by_memory LESS 1)
  set(_by_memory 1)
endif()
if(_by_memory LESS _cores)
  set(_cores ${_by_memory})
endif()
set_property(GLOBAL PROPERTY JOB_POOLS compile=${_cores})
set(CMAKE_JOB_POOL_COMPILE compile)
