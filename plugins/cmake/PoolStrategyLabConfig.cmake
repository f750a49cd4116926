# find_package(PoolStrategyLab): what a strategy is built with, wherever its text
# stands. Point CMAKE_PREFIX_PATH at plugins/ of a clone, or at app/ of a lab's home.
#
#   find_package(PoolStrategyLab REQUIRED)
#   pool_lab_strategy(mine mine.cpp)            # builds strategies/mine.so
#
# pool_lab::sdk has the headers alone.

if(NOT TARGET pool_lab::sdk)
  cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH pool_lab_root)
  add_library(pool_lab_sdk INTERFACE)
  add_library(pool_lab::sdk ALIAS pool_lab_sdk)
  target_include_directories(pool_lab_sdk INTERFACE "${pool_lab_root}/include")
endif()

# A strategy: NAME.so from one source, C++ or C, put into FOLDER of the build
# tree (default: strategies), under OUTPUT (default: name). Its one visible
# symbol is pool_lab_strategy, so that a closed build is really unmapped. A
# symbol that nobody defines is an error of the link; LOOSE leaves it to the
# loader (sanitizers need that as well).
function(pool_lab_strategy name source)
  cmake_parse_arguments(arg "LOOSE" "FOLDER;OUTPUT" "" ${ARGN})
  if(NOT arg_FOLDER)
    set(arg_FOLDER strategies)
  endif()
  if(NOT arg_OUTPUT)
    set(arg_OUTPUT ${name})
  endif()
  cmake_path(GET CMAKE_CURRENT_FUNCTION_LIST_DIR PARENT_PATH root)
  set(map ${root}/include/pool_lab/strategy.map)
  add_library(${name} MODULE ${source})
  target_link_libraries(${name} PRIVATE pool_lab::sdk)
  target_compile_options(${name} PRIVATE
    -fvisibility=hidden $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
  target_link_options(${name} PRIVATE -Wl,--version-script=${map})
  if(NOT arg_LOOSE AND NOT POOL_LAB_SANITIZER)
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  set_target_properties(${name} PROPERTIES
    PREFIX "" SUFFIX ".so" OUTPUT_NAME ${arg_OUTPUT}
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${arg_FOLDER}
    CXX_STANDARD 20 CXX_EXTENSIONS OFF C_STANDARD 11 C_EXTENSIONS OFF
    LINK_DEPENDS ${map})
endfunction()
