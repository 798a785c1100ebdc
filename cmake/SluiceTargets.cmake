# How targets of this project are made: one function a kind of target, so that warnings and
# include paths are the same everywhere.

add_library(sluice_options INTERFACE)
target_compile_features(sluice_options INTERFACE cxx_std_20)
target_include_directories(sluice_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(sluice_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety>)  # What common/base/mutex.h is for.

# Standalone Asio. Whether it takes memory from aligned_alloc depends on which header a file includes
# first, and a handler is allocated in one file and freed in another: switched off for all.
add_library(sluice_asio INTERFACE)
target_compile_definitions(sluice_asio INTERFACE ASIO_STANDALONE ASIO_DISABLE_STD_ALIGNED_ALLOC)
target_link_libraries(sluice_asio INTERFACE Threads::Threads)

# sluice_library(NAME SOURCES… [DEPS targets…] [PRIVATE_DEPS targets…])
function(sluice_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC ${arg_DEPS} PRIVATE ${arg_PRIVATE_DEPS} sluice_options)
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_compile_features(${name} PUBLIC cxx_std_20)
endfunction()

# UBSan's vptr check opens a pipe for every type it meets first, which a process that has run out of
# descriptors cannot: it would call correct code wrong there.
function(sluice_without_vptr_check name)
  target_compile_options(${name} PRIVATE -fno-sanitize=vptr)
endfunction()

function(sluice_binary name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} sluice_options)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()

# sluice_test(NAME SOURCES… DEPS… [BINARIES targets…] [LABELS …] [TIMEOUT seconds]): a GoogleTest
# program. Each test case is a ctest of its own, so they run in any order and in parallel.
# BINARIES are programs the test starts; test_support finds them.
# LABELS tsan: also runs with the tsan preset, so it must not link gRPC (Debian's is not instrumented)
# nor use maps of Protobuf's own types or by reflection (their layout differs under ThreadSanitizer).
add_custom_target(sluice_tsan_tests)
function(sluice_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;DEPS;BINARIES;LABELS" ${ARGN})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  add_executable(${name} ${arg_SOURCES})
  # Tests are most of what is compiled, and run once; what they test is built as everything else is.
  target_compile_options(${name} PRIVATE $<$<CONFIG:Debug>:-O0>)
  target_link_libraries(${name} PRIVATE ${arg_DEPS} test_source_tree GTest::gmock_main sluice_options)
  if(arg_BINARIES)
    add_dependencies(${name} ${arg_BINARIES})
  endif()
  if(tsan IN_LIST arg_LABELS)
    add_dependencies(sluice_tsan_tests ${name})
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60
    PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS "${arg_LABELS}")
endfunction()

# sluice_fuzz(NAME SOURCES… DEPS…): a file with LLVMFuzzerTestOneInput. With the fuzz preset it is a
# libFuzzer program (tests/fuzz/run.sh); otherwise it replays tests/fuzz/corpus/NAME/* once, as a test.
add_custom_target(sluice_fuzz_targets)
function(sluice_fuzz name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  if(SLUICE_FUZZ)
    add_executable(${name} ${arg_SOURCES})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    add_dependencies(sluice_fuzz_targets ${name})
  else()
    add_executable(${name} ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cc)
    add_test(NAME ${name} COMMAND ${name} ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(${name} PROPERTIES LABELS fuzz TIMEOUT 120)
  endif()
  target_link_libraries(${name} PRIVATE ${arg_DEPS} sluice_options)
endfunction()

# sluice_floors(PLANE floor…): adds the folders, lowest first, and a test that includes go down only.
function(sluice_floors plane)
  foreach(floor ${ARGN})
    add_subdirectory(${floor})
  endforeach()
  string(REPLACE ";" "," floors "${ARGN}")
  add_test(NAME floors.${plane} COMMAND ${CMAKE_COMMAND} -DPLANE=${plane} -DFLOORS=${floors}
    -P ${PROJECT_SOURCE_DIR}/cmake/CheckFloors.cmake)
endfunction()
