# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Registering tests. A test exits with 0 (good), 77 (cannot run here, with the
# reason printed) or anything else (bad).

# p2pmr_test(NAME SOURCE... [FAKE] [WRAP FUNCTION...] [LIBS LIBRARY...])
#
# A cmocka unit test: build/tests/unit/test-NAME, in ctest unit.NAME, label
# unit. Linked with the static library, so that it can reach what the shared
# one does not export.
#
# FAKE: also link the fake provider
# WRAP: pass --wrap=FUNCTION to the linker for each
# LIBS: more libraries
function(p2pmr_test name)
	cmake_parse_arguments(ARG "FAKE" "" "WRAP;LIBS" ${ARGN})
	if(NOT CMOCKA_FOUND)
		return()
	endif()
	set(exe test-${name})
	add_executable(${exe} ${ARG_UNPARSED_ARGUMENTS})
	target_include_directories(${exe} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}
		${PROJECT_SOURCE_DIR}/libp2pmr ${PROJECT_SOURCE_DIR}/providers)
	if(ARG_FAKE)
		target_link_libraries(${exe} PRIVATE provider_fake)
	endif()
	target_link_libraries(${exe} PRIVATE p2pmr_static PkgConfig::CMOCKA
		${ARG_LIBS})
	foreach(function ${ARG_WRAP})
		target_link_options(${exe} PRIVATE -Wl,--wrap=${function})
	endforeach()
	set_target_properties(${exe} PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/unit)
	add_test(NAME unit.${name}
		COMMAND ${BUILDLIB}/run-cmocka $<TARGET_FILE:${exe}>)
	set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT 600
		SKIP_RETURN_CODE 77)
endfunction()

# p2pmr_bench(NAME SOURCE... [SHARED] [WRAP FUNCTION...] [LIBS LIBRARY...])
#
# A measurement, build/tests/bench/NAME, for people to run: no test, since what
# takes how long depends on what else the machine does. Linked with the static
# library.
#
# SHARED: with the shared one
# WRAP: pass --wrap=FUNCTION to the linker for each
# LIBS: more libraries
function(p2pmr_bench name)
	cmake_parse_arguments(ARG "SHARED" "" "WRAP;LIBS" ${ARGN})
	add_executable(bench-${name} ${ARG_UNPARSED_ARGUMENTS})
	target_include_directories(bench-${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/unit)
	set(library p2pmr_static)
	if(ARG_SHARED)
		set(library p2pmr)
	endif()
	target_link_libraries(bench-${name} PRIVATE ${library} ${ARG_LIBS})
	foreach(function ${ARG_WRAP})
		target_link_options(bench-${name} PRIVATE -Wl,--wrap=${function})
	endforeach()
	set_target_properties(bench-${name} PROPERTIES OUTPUT_NAME ${name}
		RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/bench)
endfunction()

# p2pmr_check(NAME COMMAND [ARG...] [ALL]) - a check of the tree that needs nothing
#
# In ctest check.NAME, label unit, or with ALL label all. Runs in the source folder with
# P2PMR_SOURCE, P2PMR_BUILD, CC and SANITIZE in its environment.
function(p2pmr_check name)
	cmake_parse_arguments(ARG "ALL" "" "" ${ARGN})
	set(label unit)
	if(ARG_ALL)
		set(label all)
	endif()
	add_test(NAME check.${name} COMMAND ${ARG_UNPARSED_ARGUMENTS}
		WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
	set_tests_properties(check.${name} PROPERTIES LABELS ${label} TIMEOUT 1200
		SKIP_RETURN_CODE 77
		ENVIRONMENT "P2PMR_SOURCE=${PROJECT_SOURCE_DIR};P2PMR_BUILD=${CMAKE_BINARY_DIR};CC=${CMAKE_C_COMPILER};SANITIZE=${SANITIZE}")
endfunction()

# p2pmr_cli_test(SCRIPT...) - tests of the built commands on recorded data
#
# In ctest cli.NAME (the file's name without extension), label cli. Each runs
# in its source folder with build/bin first in PATH and P2PMR_SOURCE and
# P2PMR_BUILD in its environment.
function(p2pmr_cli_test)
	foreach(script ${ARGN})
		get_filename_component(name ${script} NAME_WE)
		add_test(NAME cli.${name}
			COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/${script}
			WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
		set_tests_properties(cli.${name} PROPERTIES LABELS cli
			TIMEOUT 600 SKIP_RETURN_CODE 77
			ENVIRONMENT "P2PMR_SOURCE=${PROJECT_SOURCE_DIR};P2PMR_BUILD=${CMAKE_BINARY_DIR};PATH=${BUILD_BIN}:$ENV{PATH}")
	endforeach()
endfunction()

# p2pmr_package_test(SCRIPT...) - tests of packages, which build all anew
#
# In ctest package.NAME, label all.
function(p2pmr_package_test)
	foreach(script ${ARGN})
		add_test(NAME package.${script}
			COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/${script})
		set_tests_properties(package.${script} PROPERTIES LABELS all
			TIMEOUT 3600 SKIP_RETURN_CODE 77 PROCESSORS 2
			ENVIRONMENT "P2PMR_SOURCE=${PROJECT_SOURCE_DIR};P2PMR_BUILD=${CMAKE_BINARY_DIR}")
	endforeach()
endfunction()

# p2pmr_vm_program(NAME SOURCE... [LIBS LIBRARY...]) - a program for guest tests
#
# build/tests/vm/NAME; not installed. Links libibverbs, and what LIBS names.
function(p2pmr_vm_program name)
	cmake_parse_arguments(ARG "" "" "LIBS" ${ARGN})
	add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
	target_link_libraries(${name} PRIVATE PkgConfig::IBVERBS ${ARG_LIBS})
	set_target_properties(${name} PROPERTIES
		RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/vm)
endfunction()

# p2pmr_test_header(VAR SCRIPT KEY DEFAULT) - read "# KEY: value" from a script
function(p2pmr_test_header var script key default)
	set(value "${default}")
	file(STRINGS ${script} lines REGEX "^# ${key}:" LIMIT_COUNT 1)
	if(lines MATCHES "^# ${key}:[ \t]*([^;]*[^; \t])")
		set(value "${CMAKE_MATCH_1}")
	endif()
	set(${var} "${value}" PARENT_SCOPE)
endfunction()

# p2pmr_vm_test_properties(TEST LABEL TIMEOUT ALONE) - what all guest tests share
#
# One guest at a time: on two processors, two of them take as long side by side as
# one after the other. Other tests may run beside it, but not beside one that keeps
# two processors busy (ALONE), which they would slow down most.
function(p2pmr_vm_test_properties test label timeout alone)
	set_tests_properties(${test} PROPERTIES LABELS ${label}
		TIMEOUT ${timeout} SKIP_RETURN_CODE 77 RESOURCE_LOCK guest
		ENVIRONMENT "P2PMR_SOURCE=${PROJECT_SOURCE_DIR};P2PMR_BUILD=${CMAKE_BINARY_DIR}")
	if(alone)
		set_tests_properties(${test} PROPERTIES PROCESSORS 2 COST 1000)
	endif()
endfunction()

# p2pmr_vm_tests_again(FOLDER SCRIPT NAME) - the same test on other kernels
function(p2pmr_vm_tests_again folder script name)
	p2pmr_test_header(kernel ${script} KERNEL p2p)
	p2pmr_test_header(timeout ${script} TIMEOUT 600)
	p2pmr_test_header(kernels ${script} AGAIN "")
	p2pmr_test_header(debug ${script} DEBUG "")
	separate_arguments(kernels)
	if(kernel STREQUAL "p2p" AND NOT debug MATCHES "^no")
		list(APPEND kernels debug)
	endif()
	foreach(kernel ${kernels})
		set(seconds ${timeout})
		if(kernel STREQUAL "debug")
			# seen: three to seven times as long
			math(EXPR seconds "${timeout} * 6 + 600")
			if(debug)
				set(seconds ${debug})
			endif()
		endif()
		add_test(NAME vm.${name}-${kernel} COMMAND ${folder}/run-test ${script}
			--kernel ${kernel} --timeout ${seconds})
		math(EXPR seconds "${seconds} + 120")
		p2pmr_vm_test_properties(vm.${name}-${kernel} all ${seconds} yes)
	endforeach()
endfunction()

# p2pmr_vm_tests(FOLDER) - every test that needs a guest
#
# FOLDER: with run-test, self-test and t/*.sh in it, or some of these
#
# Registers FOLDER/t/NAME.sh as vm.NAME, run by FOLDER/run-test, and
# FOLDER/self-test as vm.lab. New files are picked up by the next build. The
# scripts' head lines are read:
#
#   # DESCRIPTION: one sentence; required
#   # KERNEL:, # TOPOLOGY: for run-test
#   # TIMEOUT: seconds; ctest waits a little longer, so that the lab can say
#     what hung
#   # ALL: yes: takes long; label all instead of vm
#   # ALONE: yes: keeps two processors busy; so does what is in ALL, and what has
#     two hosts
#   # AGAIN: other kernels that the test is to run on, as vm.NAME-KERNEL, label all
#   # DEBUG: seconds, for a test that takes longer on the debug kernel than is
#     guessed; or "no" and why not. All tests on p2p run on debug as well.
#
# The lab's own test takes a quarter of all the time and is left to
# "./check --all".
function(p2pmr_vm_tests folder)
	file(GLOB scripts CONFIGURE_DEPENDS ${folder}/t/*.sh)
	foreach(script ${scripts})
		set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
			${script})
		get_filename_component(name ${script} NAME_WE)
		p2pmr_test_header(description ${script} DESCRIPTION "")
		if(NOT description)
			message(FATAL_ERROR "${script}: no \"# DESCRIPTION:\" line")
		endif()
		p2pmr_test_header(timeout ${script} TIMEOUT 600)
		p2pmr_test_header(all ${script} ALL no)
		p2pmr_test_header(alone ${script} ALONE no)
		p2pmr_test_header(hosts ${script} HOSTS 1)
		set(label vm)
		if(all STREQUAL "yes")
			set(label all)
			set(alone yes)
		endif()
		if(hosts STREQUAL "2")
			set(alone yes)
		endif()
		math(EXPR timeout "${timeout} + 120")
		add_test(NAME vm.${name} COMMAND ${folder}/run-test ${script})
		p2pmr_vm_test_properties(vm.${name} ${label} ${timeout} ${alone})
		p2pmr_vm_tests_again(${folder} ${script} ${name})
	endforeach()

	file(GLOB self_test CONFIGURE_DEPENDS ${folder}/self-test)
	if(self_test)
		add_test(NAME vm.lab COMMAND ${self_test})
		p2pmr_vm_test_properties(vm.lab all 900 yes)
	endif()
endfunction()
