"""Which headers and classes are listed: those that a panel of an extension could use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_FOLDERS = (
    *("Base/QTCore", "Base/QTGUI", "Base/QTApp", "Base/Logic"),
    *("Libs/MRML/Core", "Libs/MRML/Logic", "Libs/MRML/Widgets", "Libs/MRML/DisplayableManager"),
    *("Libs/Core", "Libs/Widgets", "Libs/Visualization/VTK", "Libs/DICOM"),
    *("Libs/vtkSegmentationCore", "QtCore", "QtGui", "QtWidgets"),
    *(
        f"Modules/Loadable/{name}"
        for name in ("Colors", "SubjectHierarchy", "VolumeRendering", "Volumes", "Transforms")
    ),
    *(f"Modules/Loadable/{name}" for name in ("Segmentations", "Sequences")),
)
_LEFT_OUT = re.compile(
    r"/(Testing|Plugins|Resources)/|private|_p\.h$|Test\w*\.h$|Decorators|/rhi/|/qpa/"
)
_UNUSED = re.compile(
    r"Private$|Q(3D|Abstract(State|Transition|TextDoc|Undo|Native|Eventdis)|Accessible|Dataclass"
    r"|EventTransition|Final|Gesture|Graphics|History|KeyEventT|MouseEventT|OpenGL|Offscreen"
    r"|Page|Pan|Pauseanim|PixelFormat|Platform|Print|Rhi|Shader|Signal(Trans|Map)|State|Surface"
    r"|Swipe|Tap|TextBlockG|TextFrame|TextInline|TextList|TextTable|Touch|Vulkan|Wizard|Xml|Mdi"
    r"|Matrix|Quaternion|Vector[234]D|Opengl|Big|Pinch|Rubber|Plugin|Parallel|Sequential|Pause"
    r"|Raw|Shared|Library|Factory|Generic|Image(IO|Re|Wr)|Transposed|Calendar|Keymap|UndoV"
    r"|Undo|System(Sem|Tray)|Unicode|Texture|Style(Option|Hint|Plugin|Factory|Painter))"
    r"|vtk(MRML(Plot|Script\b|Clip|Diffusion|Tensor|Glyph|Test|Parser|PCore|Pick|Fiducial|ROI"
    r"|Procedural|Hierarchy|Bundle|Unstr|Freesurfer|Freesufer|.*(Widget|Representation|Pipeline"
    r"|Manager\b|ManagerTest))|Slicer\w*(Widget|Representation)|Segmentation|MultiVol|Events"
    r"|Observ|Code|Persist|Archive|Cache|Curve|Parallel|Image(Label|Rect|Bim|Neigh|Stash|Fill"
    r"|Erode|Linear|Extract|Mask|Comp)|Interactive|Ortho|Thick)"
    r"|ctk(Add|Callback|Cmd|Command|Cloud|Corner|Crosshair|DICOM(App|Job|Task|Img|Host|Model|Obj"
    r"|Person|Ret|Query\w*Job|Store|Echo|Upload|Filter|Abstract|Inserter|Thumb|Series|Study"
    r"|Patient|Visual|Server|Sched|Item|Tester|Pixmap|Logged)|Dep|Dial|Doubl\w*Proxy|Error|Event"
    r"|Extens|File(Log|Comp)|Flat|Fit|High|HTML|Icon|Job|Key|Lib|Light|Line|Log|Mat|Modality"
    r"|Pimpl|Plug|Proxy|Pulse|Quick|Scale|Scope|Screen|Searchable|Single|Stack|Test|Thumb|Trans"
    r"|Tree|Unit|User|Utils|VTK(Chart|Compound|Data|Hist|Object|Prop|Scalar|Surf|Text|Thumb"
    r"|Volume|Widgets|Wrap|Magnify|Error)|Work|XML|Boolean|Basic)"
    r"|qMRML(Ann|Chart|Capture|Diff|Plot|PlotV|Scene(Fac|Hier|Trans|Cat|Model|View)|Table(M|V)"
    r"|Tract|Unit|Tree|Text|Reg|ROI|Markups|Model(Info|Disp|Hier)|Node(Factory|Attr)|Check\b"
    r"|EventL|Event|Utils|Input|Item|List|Scalar(sDisp)|ThreeDVisib|ScreenShot|Toggle|Trace)"
    r"|qSlicer(.*(Action|Settings|Reader|Writer|Plugin|Parser|Effect\w*|Interp|Export|Extension"
    r"|Extensions\w*|Style\w*|Options\w*|Delegate|Factory\w*|Item\w*|Model|Dialog|Panel|Bundle"
    r"|Splash|Toolbar\w*|ToolBar\w*|Menu\w*|Console\w*))$"
)
_WANTED = (
    *("qSlicerModuleFactoryManager", "qSlicerAbstractModuleFactoryManager"),
    *("ctkDICOMVisualBrowserWidget", "qSlicerSubjectHierarchyAbstractPlugin"),
    *("vtkCodedEntry", "vtkMRMLSegmentationNode", "vtkMRMLSegmentationDisplayNode"),
    *("vtkOrientedImageData", "vtkOrientedImageDataResample", "vtkSegmentation", "vtkSegment"),
    *("QStyleFactory", "QSignalMapper"),
)
"""Against the pattern above."""
_VTK = (
    *("vtkObject", "vtkObjectBase", "vtkCommand", "vtkCollection", "vtkStringArray", "vtkIntArray"),
    *("vtkDoubleArray", "vtkFloatArray", "vtkPoints", "vtkMatrix4x4", "vtkMatrix3x3", "vtkMath"),
    *("vtkTransform", "vtkGeneralTransform", "vtkImageData", "vtkImageReslice", "vtkImageCast"),
    *("vtkImageMapToColors", "vtkImageBlend", "vtkLookupTable", "vtkColorTransferFunction"),
    *("vtkPiecewiseFunction", "vtkVolumeProperty", "vtkRenderer", "vtkRenderWindow", "vtkCamera"),
    *("vtkWindowToImageFilter", "vtkPNGWriter", "vtkCornerAnnotation", "vtkTextProperty"),
    *("vtkScalarBarActor", "vtkRenderWindowInteractor", "vtkPolyData", "vtkVariant"),
    *("vtkXMLDataElement", "vtkXMLUtilities", "vtkTrivialProducer", "vtkImageConstantPad"),
    *("vtkUnsignedCharArray", "vtkImageAppendComponents", "vtkImageExtractComponents"),
    *("vtkPointData", "vtkCellData", "vtkDataArray", "vtkImageGradientMagnitude", "vtkImageMapper"),
    *("vtkActor2D", "vtkTextActor", "vtkImageActor", "vtkImageImport", "vtkImageFlip"),
    *("vtkPlane", "vtkCallbackCommand", "vtkTable", "vtkImageResample", "vtkImageThreshold"),
)
COMMON_VTK = re.compile(
    r"vtk(Common(Core|DataModel|Math|Transforms|ExecutionModel|Misc)|Imaging\w+|IOImage|IOXMLParser"
    r"|Rendering(Core|Annotation|Volume|FreeType)|Interaction\w+|Filters(Core|Sources|General))"
)
"""Modules of VTK whose methods may be called on objects of unknown class."""


def wanted_headers(root: Path) -> Iterator:
    """Yield the headers below a folder that declare what a panel could use."""
    folders = [root / name for name in _FOLDERS]
    for folder in folders:
        for path in sorted(folder.rglob("*.h")) if folder.is_dir() else ():
            if not _LEFT_OUT.search(path.relative_to(root).as_posix().join("//")):
                yield path


def is_wanted(name: str) -> bool:
    """Whether a class is listed; what wanted ones inherit from is listed anyway."""
    if name in (*_VTK, *_WANTED):
        return True
    if re.match(r"Q[A-Z]|Qt$|ctk[A-Z]|q(MRML|Slicer)|vtk(MRML|Slicer)", name) is None:
        return False
    return _UNUSED.match(name) is None and not name.endswith("Private")
