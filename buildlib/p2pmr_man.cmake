# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Manual pages, written in scdoc(5).

if(ENABLE_MAN_PAGES)
	find_program(SCDOC scdoc)
	if(NOT SCDOC)
		p2pmr_missing("scdoc (package scdoc)" "no man pages")
	endif()
endif()

# p2pmr_man_pages(PAGE.SECTION.scd... [EXAMPLES FILE...])
#
# Builds each page into build/share/man/manSECTION/PAGE.SECTION and installs
# it. A source line "@example FILE@" is replaced by that file, as a literal
# block and without its SPDX line; EXAMPLES names these files, so that the
# pages are rebuilt when one changes. Without scdoc: no pages, and the end of
# configuration says so.
function(p2pmr_man_pages)
	cmake_parse_arguments(ARG "" "" "EXAMPLES" ${ARGN})
	if(NOT SCDOC)
		return()
	endif()
	set(pages "")
	foreach(source ${ARG_UNPARSED_ARGUMENTS})
		get_filename_component(page ${source} NAME)
		string(REGEX REPLACE "\\.scd$" "" page ${page})
		string(REGEX REPLACE ".*\\." "" section ${page})
		set(out ${BUILD_MAN}/man${section}/${page})
		add_custom_command(OUTPUT ${out}
			COMMAND ${BUILDLIB}/make-man-page ${SCDOC}
				${CMAKE_CURRENT_SOURCE_DIR}/${source} ${out}
			DEPENDS ${source} ${ARG_EXAMPLES} ${BUILDLIB}/make-man-page
			WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}
			COMMENT "Man page ${page}"
			VERBATIM)
		install(FILES ${out}
			DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
		set_property(GLOBAL APPEND PROPERTY P2PMR_MAN_PAGES ${out})
		list(APPEND pages ${out})
	endforeach()
	file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
	string(REPLACE "/" "-" folder ${folder})
	add_custom_target(man-${folder} ALL DEPENDS ${pages})
endfunction()

# p2pmr_man_aliases(PAGE.SECTION ALIAS...) - other names of a page
#
# ALIAS: a name without section, for example a function that the page describes
#
# Each one becomes a link to the page, in the build tree and installed.
function(p2pmr_man_aliases page)
	if(NOT SCDOC)
		return()
	endif()
	string(REGEX REPLACE ".*\\." "" section ${page})
	file(MAKE_DIRECTORY ${BUILD_MAN}/man${section})
	foreach(alias ${ARGN})
		set(link ${BUILD_MAN}/man${section}/${alias}.${section})
		file(CREATE_LINK ${page} ${link} SYMBOLIC)
		install(FILES ${link}
			DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
	endforeach()
endfunction()
