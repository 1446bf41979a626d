# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Outside libraries, through pkg-config. Only what is missing is printed.

# p2pmr_missing(WHAT CONSEQUENCE) - remember that something was not found
#
# WHAT: its name, and the Debian package it comes in
# CONSEQUENCE: what will not be there
function(p2pmr_missing what consequence)
	set_property(GLOBAL APPEND PROPERTY P2PMR_MISSING
		"${what}: ${consequence}")
endfunction()

# p2pmr_print_missing() - say at the end of configuration what was not found
function(p2pmr_print_missing)
	get_property(missing GLOBAL PROPERTY P2PMR_MISSING)
	foreach(line ${missing})
		message(STATUS "missing ${line}")
	endforeach()
endfunction()

# p2pmr_find(VAR MODULE CONSEQUENCE) - look for an optional pkg-config module
#
# Sets VAR_FOUND and, when found, the target PkgConfig::VAR.
macro(p2pmr_find var module consequence)
	pkg_check_modules(${var} QUIET IMPORTED_TARGET ${module})
	if(NOT ${var}_FOUND)
		p2pmr_missing("${module} (pkg-config)" "${consequence}")
	endif()
endmacro()

pkg_check_modules(IBVERBS REQUIRED QUIET IMPORTED_TARGET libibverbs)
pkg_check_modules(UDEV REQUIRED QUIET IMPORTED_TARGET libudev)
if(ENABLE_TOOLS)
	p2pmr_find(RDMACM librdmacm "no p2pmr command")
	p2pmr_find(SMARTCOLS smartcols "no p2pmr command")
	p2pmr_find(JSONC json-c "no p2pmr command")
	p2pmr_find(NL libnl-3.0 "no p2pmr command")
endif()
if(ENABLE_TESTS)
	p2pmr_find(CMOCKA cmocka "no unit tests")
endif()
