# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# One helper per kind of target, so that sub-folders list sources and nothing else.

# p2pmr_publish_headers(FOLDER HEADER...) - installed headers
#
# FOLDER: below the include directory, for example p2pmr
# HEADER: files in the current source folder
#
# Links each one into build/include/FOLDER, which everything in the tree
# compiles against, and installs it.
function(p2pmr_publish_headers folder)
	file(MAKE_DIRECTORY ${BUILD_INCLUDE}/${folder})
	foreach(header ${ARGN})
		get_filename_component(name ${header} NAME)
		file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR}/${header}
			${BUILD_INCLUDE}/${folder}/${name} SYMBOLIC)
		set_property(GLOBAL APPEND PROPERTY P2PMR_HEADERS
			${CMAKE_CURRENT_SOURCE_DIR}/${header})
	endforeach()
	install(FILES ${ARGN}
		DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder})
endfunction()

# p2pmr_providers(NAME...) - the providers that go into the library
#
# NAME: a folder here that calls p2pmr_provider(NAME ...)
#
# Also writes provider-list.c, the library's table of them. This list is the
# one line that a new provider needs outside its folder.
function(p2pmr_providers)
	set(declarations "")
	set(table "")
	foreach(name ${ARGN})
		add_subdirectory(${name})
		string(APPEND declarations
			"extern const struct p2pmr_provider_ops p2pmr_provider_${name};\n")
		string(APPEND table "\t&p2pmr_provider_${name},\n")
	endforeach()
	file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/generated/provider-list.c
		CONTENT "#include \"ops.h\"\n\n${declarations}\nconst struct p2pmr_provider_ops *const p2pmr_provider_list[] = {\n${table}\tNULL,\n};\n")
	set_property(GLOBAL PROPERTY P2PMR_PROVIDERS ${ARGN})
endfunction()

# p2pmr_provider(NAME SOURCE...) - one source of peer memory
#
# Makes the objects provider_NAME. It sees providers/ops.h and the public
# headers, nothing else of this tree. It must define p2pmr_provider_NAME.
function(p2pmr_provider name)
	add_library(provider_${name} OBJECT ${ARGN})
	target_include_directories(provider_${name} PRIVATE
		${PROJECT_SOURCE_DIR}/providers)
	target_link_libraries(provider_${name} PRIVATE PkgConfig::IBVERBS)
endfunction()

# p2pmr_library(NAME MAP SOURCE...) - the installed library
#
# NAME: of the target and, with lib in front, of the files
# MAP: linker version script; what it does not list is not exported
#
# Makes the shared library NAME and the static library NAME_static (both with
# the providers in them), a pkg-config file from libNAME.pc.in, and installs
# all of that.
function(p2pmr_library name map)
	get_property(providers GLOBAL PROPERTY P2PMR_PROVIDERS)
	add_library(${name}_objects OBJECT ${ARGN}
		${CMAKE_BINARY_DIR}/generated/provider-list.c)
	target_include_directories(${name}_objects PRIVATE
		${PROJECT_SOURCE_DIR}/providers)
	target_link_libraries(${name}_objects PRIVATE PkgConfig::IBVERBS
		PkgConfig::UDEV)
	set(objects $<TARGET_OBJECTS:${name}_objects>)
	foreach(provider ${providers})
		list(APPEND objects $<TARGET_OBJECTS:provider_${provider}>)
	endforeach()

	set(map_file ${CMAKE_CURRENT_SOURCE_DIR}/${map})
	add_library(${name} SHARED ${objects})
	set_target_properties(${name} PROPERTIES
		VERSION ${P2PMR_SONAME}.${PROJECT_VERSION_MINOR}.${PROJECT_VERSION_PATCH}
		SOVERSION ${P2PMR_SONAME}
		LINK_DEPENDS ${map_file})
	target_link_options(${name} PRIVATE -Wl,--version-script=${map_file})
	target_link_libraries(${name} PUBLIC PkgConfig::IBVERBS
		PRIVATE PkgConfig::UDEV)

	add_library(${name}_static STATIC ${objects})
	set_target_properties(${name}_static PROPERTIES OUTPUT_NAME ${name})
	target_link_libraries(${name}_static PUBLIC PkgConfig::IBVERBS
		PkgConfig::UDEV)

	configure_file(lib${name}.pc.in ${CMAKE_BINARY_DIR}/generated/lib${name}.pc @ONLY)
	# Sets of their own, as distributions put the static library in another package
	install(TARGETS ${name} EXPORT ${name}-targets
		LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
		INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
	install(TARGETS ${name}_static EXPORT ${name}-static-targets
		ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
		INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
	p2pmr_cmake_package(${name})
	install(FILES ${CMAKE_BINARY_DIR}/generated/lib${name}.pc
		DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endfunction()

# p2pmr_cmake_package(NAME) - have find_package(NAME) find what was installed
#
# Its targets: NAME::NAME and, where the static library is installed, NAME::NAME_static
function(p2pmr_cmake_package name)
	set(folder ${CMAKE_INSTALL_LIBDIR}/cmake/${name})
	set(generated ${CMAKE_BINARY_DIR}/generated)
	configure_file(${name}-config.cmake.in ${generated}/${name}-config.cmake @ONLY)
	# before 1.0, a minor release may change the ABI
	write_basic_package_version_file(${generated}/${name}-config-version.cmake
		COMPATIBILITY SameMinorVersion)
	install(FILES ${generated}/${name}-config.cmake
		${generated}/${name}-config-version.cmake DESTINATION ${folder})
	install(EXPORT ${name}-targets NAMESPACE ${name}:: DESTINATION ${folder})
	install(EXPORT ${name}-static-targets NAMESPACE ${name}:: DESTINATION ${folder})
endfunction()

# p2pmr_tool(NAME SOURCE...) - an installed command, run in place as build/bin/NAME
#
# Makes the target tool_NAME.
#
# Links the library, libibverbs, librdmacm, libsmartcols, json-c, libnl, liburing
# and libxxhash (those that it does not use fall away at link time). Does nothing
# when one of them is missing, which the end of configuration then says.
function(p2pmr_tool name)
	if(NOT (RDMACM_FOUND AND SMARTCOLS_FOUND AND JSONC_FOUND AND NL_FOUND AND
			URING_FOUND AND XXHASH_FOUND))
		return()
	endif()
	# The target p2pmr is the library, so the command's target is tool_p2pmr.
	add_executable(tool_${name} ${ARGN})
	set_target_properties(tool_${name} PROPERTIES OUTPUT_NAME ${name})
	target_link_libraries(tool_${name} PRIVATE p2pmr PkgConfig::IBVERBS
		PkgConfig::RDMACM PkgConfig::SMARTCOLS PkgConfig::JSONC
		PkgConfig::NL PkgConfig::URING PkgConfig::XXHASH m)
	install(TARGETS tool_${name}
		RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# p2pmr_script(NAME) - an installed command that needs no build
#
# NAME: a script in the current source folder; build/bin/NAME is a link to it
function(p2pmr_script name)
	file(MAKE_DIRECTORY ${BUILD_BIN})
	file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR}/${name} ${BUILD_BIN}/${name}
		SYMBOLIC)
	install(PROGRAMS ${name} DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# p2pmr_completion(NAME SCRIPT) - how bash completes a command's line
function(p2pmr_completion name script)
	install(FILES ${script} RENAME ${name}
		DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
endfunction()

# p2pmr_example(SOURCE [RDMACM]) - an example: compiled, not installed
#
# RDMACM: it needs librdmacm as well, and is left out without it
#
# The program lands in build/examples.
function(p2pmr_example source)
	cmake_parse_arguments(ARG "RDMACM" "" "" ${ARGN})
	if(ARG_RDMACM AND NOT RDMACM_FOUND)
		return()
	endif()
	get_filename_component(name ${source} NAME_WE)
	add_executable(example_${name} ${source})
	target_link_libraries(example_${name} PRIVATE p2pmr PkgConfig::IBVERBS)
	if(ARG_RDMACM)
		target_link_libraries(example_${name} PRIVATE PkgConfig::RDMACM)
	endif()
	set_target_properties(example_${name} PROPERTIES OUTPUT_NAME ${name}
		RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/examples)
endfunction()
