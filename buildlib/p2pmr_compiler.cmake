# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# Language, warnings, linking and sanitizers, the same for every target.

# Users and packagers need line numbers in bug reports, and unoptimised code
# hides warnings that need data flow.
if(NOT CMAKE_BUILD_TYPE)
	set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "Build type" FORCE)
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${BUILD_BIN})
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${BUILD_LIB})
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${BUILD_LIB})
# The tree may be moved, or seen under another path inside a guest.
set(CMAKE_BUILD_RPATH_USE_ORIGIN ON)

# p2pmem/allocate says that it has 1 TiB, and files are copied: beyond long, where that
# has 32 bits
add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64)
add_compile_options(
	-Wall
	-Wextra
	-Wmissing-prototypes
	-Wmissing-declarations
	-Wstrict-prototypes
	-Wold-style-definition
	-Wredundant-decls
	-Wshadow
	-Wpointer-arith
	-Wwrite-strings
	-Wundef
	-Wvla
	-Wformat=2
	-Wdate-time
	-fno-strict-aliasing
)
if(ENABLE_WERROR)
	add_compile_options(-Werror)
endif()

# The tree is compiled against the very paths that users will include.
include_directories(BEFORE ${BUILD_INCLUDE})

add_link_options(-Wl,--as-needed)
if(SANITIZE)
	# Sanitizers leave their runtime's symbols undefined in libraries.
	add_compile_options(-fsanitize=${SANITIZE} -fno-sanitize-recover=all
		-fno-omit-frame-pointer)
	add_link_options(-fsanitize=${SANITIZE})
else()
	add_link_options(-Wl,--no-undefined)
endif()
