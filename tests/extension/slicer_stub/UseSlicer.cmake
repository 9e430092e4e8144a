# The macros that the extension calls. Those of a Slicer whose source is here are used instead where
# SLICER_SOURCE and CTK_SOURCE name it: they byte-compile with the Python that SLICER_PYTHON names.
set(Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR
  "${Slicer_INSTALL_ROOT}${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")
include(CTest)

if(SLICER_SOURCE)
  set(CTK_CMAKE_DIR "${CTK_SOURCE}/CMake")
  list(APPEND CMAKE_MODULE_PATH "${SLICER_SOURCE}/CMake" "${CTK_CMAKE_DIR}")
  # What the configuration of a built Slicer says.
  set(PYTHONINTERP_FOUND TRUE)
  set(PYTHONLIBS_FOUND TRUE)
  set(PYTHON_EXECUTABLE "${SLICER_PYTHON}")
  set(PYTHON_LIBRARIES "${SLICER_PYTHON}")
  set(Slicer_LAUNCHER_EXECUTABLE "${CMAKE_COMMAND}")
  set(Slicer_ExternalData_DATA_MANAGEMENT_TARGET MACTFusionData)
  set(Slicer_PYTHON_MODULE_TEST_TEMPLATES_DIR "${SLICER_SOURCE}/Base/QTCore/Testing/Python")
  set(ExternalData_URL_TEMPLATES "file:///%(algo)/%(hash)")
  include(ExternalData)
  include(ctkFunctionExtractOptimizedLibrary)
  include(ctkMacroCompilePythonScript)
  include(SlicerMacroConfigureGenericPythonModuleTests)
  include(SlicerMacroPythonTesting)
  include(SlicerMacroBuildScriptedModule)
  return()
endif()

# Copies what is named into the build, keeping folders, and installs that.
function(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(GIVEN
    "WITH_GENERIC_TESTS;WITH_SUBDIR;VERBOSE" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  if(GIVEN_UNPARSED_ARGUMENTS OR GIVEN_KEYWORDS_MISSING_VALUES OR NOT GIVEN_NAME)
    message(FATAL_ERROR "Not understood: '${GIVEN_UNPARSED_ARGUMENTS}', without a value: "
      "'${GIVEN_KEYWORDS_MISSING_VALUES}', name: '${GIVEN_NAME}'")
  endif()
  set(target "${CMAKE_BINARY_DIR}/${Slicer_QTSCRIPTEDMODULES_LIB_DIR}")
  foreach(file IN LISTS GIVEN_SCRIPTS GIVEN_RESOURCES)
    if(NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
      message(FATAL_ERROR "There is no '${file}'")
    endif()
    configure_file("${CMAKE_CURRENT_SOURCE_DIR}/${file}" "${target}/${file}" COPYONLY)
  endforeach()
  install(DIRECTORY "${target}/" DESTINATION "${Slicer_INSTALL_QTSCRIPTEDMODULES_LIB_DIR}"
    COMPONENT RuntimeLibraries)
endfunction()

function(slicer_add_python_unittest)
  cmake_parse_arguments(GIVEN "" "TESTNAME_PREFIX;SCRIPT" "SLICER_ARGS" ${ARGN})
  if(GIVEN_UNPARSED_ARGUMENTS OR NOT EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/${GIVEN_SCRIPT}")
    message(FATAL_ERROR "Not understood: '${GIVEN_UNPARSED_ARGUMENTS}', or no '${GIVEN_SCRIPT}'")
  endif()
  get_filename_component(name "${GIVEN_SCRIPT}" NAME_WE)
  add_test(NAME "py_${GIVEN_TESTNAME_PREFIX}${name}" COMMAND "${CMAKE_COMMAND}" -E true)
endfunction()
