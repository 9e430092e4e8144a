# Writes what the extension says of itself, as CMake understood it, one NAME=VALUE a line.
set(lines "")
foreach(name HOMEPAGE CONTRIBUTORS DESCRIPTION ICONURL SCREENSHOTURLS DEPENDS)
  string(APPEND lines "${name}=${EXTENSION_${name}}\n")
endforeach()
file(WRITE "${CMAKE_BINARY_DIR}/described.txt" "${lines}")
