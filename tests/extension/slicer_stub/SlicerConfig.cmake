# What find_package(Slicer) of a build tree gives to an extension, as far as this one uses it.
# The names and places are Slicer's; the code is not. See UseSlicer.cmake beside it.
set(Slicer_USE_FILE "${CMAKE_CURRENT_LIST_DIR}/UseSlicer.cmake")
set(Slicer_EXTENSION_GENERATE_CONFIG "${CMAKE_CURRENT_LIST_DIR}/Described.cmake")
set(Slicer_EXTENSION_CPACK "${CMAKE_CURRENT_LIST_DIR}/Packed.cmake")
set(Slicer_USE_PYTHONQT ON)
set(Slicer_QTSCRIPTEDMODULES_LIB_DIR "lib/Slicer-5/qt-scripted-modules")
set(Slicer_QTLOADABLEMODULES_LIB_DIR "lib/Slicer-5/qt-loadable-modules")
set(Slicer_CLIMODULES_LIB_DIR "lib/Slicer-5/cli-modules")
set(Slicer_INSTALL_ROOT "./")
