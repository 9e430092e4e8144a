"""A reduced Python layer of Slicer: enough of its interface for the panel, and no more.

Used where the real one is not at hand; the tests then say "reduced".
"""

from __future__ import annotations

import enum
import sys
import types
import typing
from pathlib import Path

import slicer
import vtk

SLICER_PARAMETER = "SlicerParameterName"


class ScriptedLoadableModule:
    def __init__(self, parent):
        self.parent = parent


class ScriptedLoadableModuleWidget:
    def __init__(self, parent=None):
        super().__init__()
        self.moduleName = type(self).__name__.removesuffix("Widget")
        self.parent = parent
        self.layout = parent.layout()

    def setup(self):
        pass

    def resourcePath(self, name):  # noqa: N802
        folder = Path(slicer.util.modulePath(self.moduleName)).parent
        return str(folder / "Resources" / name)


class ScriptedLoadableModuleLogic:
    def __init__(self, parent=None):
        self.moduleName = type(self).__name__.removesuffix("Logic")

    def getParameterNode(self):  # noqa: N802
        kind = "vtkMRMLScriptedModuleNode"
        node = slicer.mrmlScene.GetSingletonNode(self.moduleName, kind)
        if node is None:
            node = slicer.mrmlScene.CreateNodeByClass(kind)
            node.UnRegister(None)
            node.SetSingletonTag(self.moduleName)
            node.SetAttribute("ModuleName", self.moduleName)
            slicer.mrmlScene.AddNode(node)
        return node


def _test_base():
    import unittest

    class ScriptedLoadableModuleTest(unittest.TestCase):
        def delayDisplay(self, message, *_):  # noqa: N802
            pass

    return ScriptedLoadableModuleTest


class WithinRange:
    def __init__(self, minimum, maximum):
        self.minimum, self.maximum = minimum, maximum


def parameterNodeWrapper(kind):  # noqa: N802
    hints = typing.get_type_hints(kind, include_extras=True)
    defaults = {name: vars(kind).get(name) for name in hints}

    class Wrapper:
        def __init__(self, node):
            self.parameterNode = node
            self._guis = {}

        def connectGui(self, ui):  # noqa: N802
            pairs = [
                (widget.property(SLICER_PARAMETER), widget)
                for widget in vars(ui).values()
                if widget.property(SLICER_PARAMETER)
            ]
            gui = _Gui(self, pairs, hints)
            self._guis[id(gui)] = gui
            return id(gui)

        def disconnectGui(self, tag):  # noqa: N802
            self._guis.pop(tag).disconnect()

        def AddObserver(self, event, act, *_):  # noqa: N802
            return self.parameterNode.AddObserver(event, act)

        def RemoveObserver(self, tag):  # noqa: N802
            self.parameterNode.RemoveObserver(tag)

    for name, hint in hints.items():
        setattr(Wrapper, name, _parameter(name, hint, defaults[name]))
    Wrapper.__name__ = kind.__name__
    return Wrapper


def _parameter(name, hint, default):
    args = typing.get_args(hint)
    is_node = typing.get_origin(hint) is typing.Union
    kind = args[0] if args and not is_node else hint

    def read(self):
        if is_node:
            return self.parameterNode.GetNodeReference(name)
        text = self.parameterNode.GetParameter(name)
        if not self.parameterNode.HasParameter(name):
            return default
        if kind is bool:
            return text == "True"
        return kind[text] if issubclass(kind, enum.Enum) else kind(text)

    def write(self, value):
        if is_node:
            self.parameterNode.SetNodeReferenceID(name, value.GetID() if value else None)
            self.parameterNode.Modified()
            return
        if args and not args[1].minimum <= value <= args[1].maximum:
            raise ValueError(name)
        text = value.name if isinstance(value, enum.Enum) else str(value)
        self.parameterNode.SetParameter(name, text)

    return property(read, write)


class _Gui:
    """Two-way binding of widgets and parameters."""

    def __init__(self, wrapper, pairs, hints):
        self.wrapper, self.pairs, self.hints = wrapper, pairs, hints
        self.is_busy = False
        for name, widget in pairs:
            if isinstance(hints[name], type) and issubclass(hints[name], enum.Enum):
                widget.blockSignals(True)
                widget.clear()
                for entry in hints[name]:
                    widget.addItem(entry.label())
                widget.blockSignals(False)
        self.show()
        self.links = [(_signal(w), lambda *_a, n=n, w=w: self.take(n, w)) for n, w in pairs]
        for signal, slot in self.links:
            signal.connect(slot)
        self.tag = wrapper.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self.show())

    def disconnect(self):
        for signal, slot in self.links:
            signal.disconnect(slot)
        self.wrapper.RemoveObserver(self.tag)

    def take(self, name, widget):
        if not self.is_busy:
            setattr(self.wrapper, name, _read(widget, self.hints[name]))

    def show(self):
        if self.is_busy:
            return
        self.is_busy = True
        for name, widget in self.pairs:
            _write(widget, getattr(self.wrapper, name))
        self.is_busy = False


def _signal(widget):
    names = ("currentNodeChanged", "toggled", "currentIndexChanged", "valueChanged")
    return next(getattr(widget, name) for name in names if hasattr(widget, name))


def _read(widget, hint):
    if hasattr(widget, "currentNode"):
        return widget.currentNode()
    if hasattr(widget, "toggled"):
        return widget.checked
    if hasattr(widget, "currentIndexChanged"):
        return list(hint)[widget.currentIndex]
    return widget.value


def _write(widget, value):
    if hasattr(widget, "currentNode"):
        widget.setCurrentNode(value)
    elif hasattr(widget, "toggled"):
        widget.checked = value
    elif hasattr(widget, "currentIndexChanged"):
        widget.currentIndex = list(type(value)).index(value)
    else:
        widget.value = value


def install():
    """Put the modules where ``import`` finds them."""
    layer = types.ModuleType("slicer.ScriptedLoadableModule")
    layer.ScriptedLoadableModule = ScriptedLoadableModule
    layer.ScriptedLoadableModuleWidget = ScriptedLoadableModuleWidget
    layer.ScriptedLoadableModuleLogic = ScriptedLoadableModuleLogic
    layer.ScriptedLoadableModuleTest = _test_base()
    wrapper = types.ModuleType("slicer.parameterNodeWrapper")
    wrapper.parameterNodeWrapper, wrapper.WithinRange = parameterNodeWrapper, WithinRange
    i18n = types.ModuleType("slicer.i18n")
    i18n.tr, i18n.translate = (lambda text: text), (lambda _context, text: text)
    for module in (layer, wrapper, i18n):
        sys.modules[module.__name__] = module
        setattr(slicer, module.__name__.rpartition(".")[2], module)
