# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Fuzz targets: programs with LLVMFuzzerTestOneInput() in them.

# p2pmr_fuzz(NAME SOURCE... [WRAP FUNCTION...] [LIBS LIBRARY...] [RUNS N])
#
# The inputs are the files of tests/fuzz/NAME. Makes
#
#   build/tests/fuzz/replay-NAME	with replay.c in place of the fuzzer, by
#				the build's own compiler
#   build/tests/fuzz/fuzz-NAME	with libFuzzer and sanitizers, by clang; left out
#				where clang does not have them
#
# and the tests unit.fuzz-NAME, which runs the first over all inputs, and
# unit.fuzz-NAME-clang, which gives the second a short time, always with the
# same outcome; and fuzz.NAME, label all, ten minutes of it, which keeps what is new in
# build/tests/fuzz/corpus/NAME.
#
# WRAP: pass --wrap=FUNCTION to the linker for each
# LIBS: more libraries
# RUNS: of unit.fuzz-NAME-clang; 3000
function(p2pmr_fuzz name)
	cmake_parse_arguments(ARG "" "RUNS" "WRAP;LIBS" ${ARGN})
	if(NOT ARG_RUNS)
		set(ARG_RUNS 3000)
	endif()
	file(GLOB inputs CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*)
	set(exe replay-${name})
	add_executable(${exe} replay.c ${ARG_UNPARSED_ARGUMENTS})
	target_link_libraries(${exe} PRIVATE p2pmr_static ${ARG_LIBS})
	# The library's own sources need it
	target_include_directories(${exe} PRIVATE ${PROJECT_SOURCE_DIR}/providers)
	foreach(function ${ARG_WRAP})
		target_link_options(${exe} PRIVATE -Wl,--wrap=${function})
	endforeach()
	# What it looks for, it says by assert()
	target_compile_options(${exe} PRIVATE -UNDEBUG)
	set_target_properties(${exe} PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
	add_test(NAME unit.fuzz-${name} COMMAND ${exe} ${inputs})
	set_tests_properties(unit.fuzz-${name} PROPERTIES LABELS unit TIMEOUT 600)
	p2pmr_find_libfuzzer()
	if(P2PMR_LIBFUZZER AND NOT SANITIZE)
		p2pmr_libfuzzer(${name} "${ARG_UNPARSED_ARGUMENTS}" "${ARG_WRAP}"
			${ARG_RUNS})
	endif()
endfunction()

# p2pmr_libfuzzer(NAME SOURCES WRAP RUNS) - the half of it that is clang's
function(p2pmr_libfuzzer name sources wrap runs)
	set(exe ${CMAKE_CURRENT_BINARY_DIR}/fuzz-${name})
	list(TRANSFORM wrap PREPEND -Wl,--wrap=)
	list(JOIN wrap " " wrap)
	list(JOIN sources " " files)
	add_custom_command(OUTPUT ${exe}
		COMMAND sh -c "clang -g -O1 -std=c11 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -I${BUILD_INCLUDE} -I${PROJECT_SOURCE_DIR}/providers ${wrap} ${files} -o ${exe} $<TARGET_FILE:p2pmr_static> $(pkg-config --cflags --libs json-c librdmacm libibverbs libudev) -lm"
		DEPENDS ${sources} p2pmr_static
		WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
		COMMENT "Building fuzz-${name} by clang" VERBATIM)
	add_custom_target(libfuzzer-${name} ALL DEPENDS ${exe})
	# New inputs would go to the first folder, which does not outlive the test
	add_test(NAME unit.fuzz-${name}-clang
		COMMAND sh -c "new=$(mktemp -d) && ${exe} -seed=1 -runs=${runs} -max_len=32768 -rss_limit_mb=512 \"$new\" ${CMAKE_CURRENT_SOURCE_DIR}/${name} && rm -r \"$new\"")
	set_tests_properties(unit.fuzz-${name}-clang PROPERTIES LABELS unit
		TIMEOUT 600)
	set(corpus ${CMAKE_CURRENT_BINARY_DIR}/corpus/${name})
	add_test(NAME fuzz.${name}
		COMMAND sh -c "mkdir -p ${corpus} && ${exe} -max_total_time=600 -max_len=32768 -rss_limit_mb=512 -print_final_stats=1 -artifact_prefix=${CMAKE_CURRENT_BINARY_DIR}/ ${corpus} ${CMAKE_CURRENT_SOURCE_DIR}/${name} && exit; echo 'Move the input that is named above to ${CMAKE_CURRENT_SOURCE_DIR}/${name}, where unit.fuzz-${name} has it, and mend what it breaks'; exit 1")
	set_tests_properties(fuzz.${name} PROPERTIES LABELS all TIMEOUT 1800)
endfunction()

# Does clang have the fuzzer? The build's own compiler need not
function(p2pmr_find_libfuzzer)
	if(DEFINED P2PMR_LIBFUZZER)
		return()
	endif()
	set(source ${CMAKE_BINARY_DIR}/generated/fuzzer.c)
	file(WRITE ${source}
		"int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d && n > 9; }\n")
	execute_process(COMMAND clang -fsanitize=fuzzer,address,undefined
		${source} -o ${source}.out
		RESULT_VARIABLE status OUTPUT_QUIET ERROR_QUIET)
	set(found OFF)
	if(status EQUAL 0)
		set(found ON)
	else()
		p2pmr_missing("clang with -fsanitize=fuzzer (clang, libclang-rt-14-dev)"
			"no fuzzing")
	endif()
	set(P2PMR_LIBFUZZER ${found} CACHE INTERNAL "clang has libFuzzer")
endfunction()
