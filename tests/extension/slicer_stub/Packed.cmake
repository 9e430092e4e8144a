# Slicer packs these two with an extension, and its own where the extension names none.
foreach(name LICENSE README)
  if(NOT EXISTS "${EXTENSION_${name}_FILE}")
    message(FATAL_ERROR "EXTENSION_${name}_FILE names no file: '${EXTENSION_${name}_FILE}'")
  endif()
endforeach()
