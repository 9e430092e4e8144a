"""The command line: thin functions over the library.

Imports that bring torch stay inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
import warnings
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from rich.console import Console

from mactfusion import __version__
from mactfusion.cli_evaluate import evaluate
from mactfusion.cli_models import models
from mactfusion.errors import FusionCancelled, InputError, listening
from mactfusion.progress import progress_bar

if TYPE_CHECKING:
    from mactfusion.pipeline import FusionResult

INTERRUPTED = 130

# Typer exports one kind of misuse only; its base class is every kind.
UsageError: type[Any] = typer.BadParameter.__mro__[1]

app = typer.Typer(
    add_completion=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Fuse MR with CT, PET or SPECT into one volume on the MR grid. Not a medical device.",
)
out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def main() -> None:
    """Run the command line; bad input is one sentence on stderr and exit code 2."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a file name may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    if not sys.warnoptions:  # libraries warn of what no user of a command can change
        warnings.simplefilter("ignore")
    try:
        code = app(standalone_mode=False, prog_name="mactfusion")
    except UsageError as error:
        fail(misuse(error))
    except InputError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename or 'A file'} cannot be used: {error.strerror or error}")
    except (KeyboardInterrupt, FusionCancelled):
        cancelled()
    if code == INTERRUPTED:  # what typer makes of Ctrl-C
        cancelled()
    sys.exit(code)


def misuse(error: Any) -> str:
    """Say in one sentence what is wrong with the words of a command."""
    message = " ".join(error.format_message().split()).rstrip(".")
    command = error.ctx.command_path if error.ctx else "mactfusion"
    return f"{message} (see '{command} --help')."


def caution(sentence: str) -> None:
    """Say what the user should know."""
    err.print(f"Warning: {sentence}", style="yellow", markup=False)


def fail(sentence: str) -> NoReturn:
    """Say what is wrong and stop."""
    err.print(f"Error: {sentence}", style="red", markup=False)
    sys.exit(2)


def cancelled() -> NoReturn:
    """Say that the user stopped the run, and stop."""
    err.print("Cancelled; no unfinished file was left.")
    sys.exit(INTERRUPTED)


@app.command()
def fuse(
    anatomical: Annotated[Path, typer.Argument(help="MR: file, DICOM folder, or folder of files.")],
    partner: Annotated[
        list[Path],
        typer.Argument(help="CT, PET, SPECT or second MR, likewise; one or several, in any order."),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help=".nii.gz, .nrrd, .mha, .png, .tif; or a folder."),
    ],
    task: Annotated[
        list[str],
        typer.Option(
            help="What is fused: auto (tells by HU range, colour and DICOM tags), ct-mri, pet-mri, "
            "spect-mri, mr-mr, gfp-pc; once for each partner."
        ),
    ] = ["auto"],  # noqa: B006  typer makes a new list
    model: Annotated[
        str,
        typer.Option(
            help="Network, of those that 'mactfusion models' lists; auto is the one of --weights, "
            "else mactfusion_plus."
        ),
    ] = "auto",
    weights: Annotated[
        Path | None, typer.Option(help="Weight file other than the model's own.")
    ] = None,
    window: Annotated[
        list[str],
        typer.Option(
            help="Partner: auto, level,width in its units, or for CT brain, bone, stroke, "
            "soft-tissue, lung; once for each partner."
        ),
    ] = ["auto"],  # noqa: B006
    anatomical_window: Annotated[
        str, typer.Option(help="Anatomical: auto or level,width.")
    ] = "auto",
    colormap: Annotated[
        list[str],
        typer.Option(
            help="Colours of scalar PET and SPECT: hot_iron, cool_iron, green_iron, pet, "
            "hot_metal_blue, grey, or any Matplotlib name; auto is hot_iron, and for several "
            "distinct hues; once for all partners, or once for each."
        ),
    ] = ["auto"],  # noqa: B006
    grid: Annotated[
        Literal["anatomical", "isotropic"],
        typer.Option(
            help="Of the result: the anatomical volume's, or its field of view in cubic voxels of "
            "its finest spacing, for a CT that is finer than the slices of the MR."
        ),
    ] = "anatomical",
    axis: Annotated[
        Literal["auto", "axial", "coronal", "sagittal"],
        typer.Option(help="Slices that the network sees; auto takes the acquisition's."),
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
    precision: Annotated[
        Literal["float32", "bfloat16", "float16"], typer.Option(help="Of the network.")
    ] = "float32",
    batch_size: Annotated[int | None, typer.Option(min=1, help="Slices at a time.")] = None,
    luminance: Annotated[bool, typer.Option("--luminance", help="Grey result.")] = False,
    dtype: Annotated[
        Literal["auto", "uint8", "uint16", "float32"], typer.Option(help="Stored type.")
    ] = "auto",
    report: Annotated[Path | None, typer.Option(help="Also write an HTML report.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print errors only.")] = False,
) -> None:
    """Fuse volumes, or pictures, or two folders of them matched by file name."""
    options = {
        "task": task,
        "model": model,
        "weights": weights,
        "window": window,
        "anatomical_window": anatomical_window,
        "colormap": colormap,
        "grid": grid,
        "axis": axis,
        "device": device,
        "precision": precision,
        "batch_size": batch_size,
        "luminance": luminance,
        "dtype": dtype,
        "overwrite": overwrite,
    }
    from mactfusion.io.formats import OUTPUT_EXTENSIONS, extension_of

    is_file = extension_of(output) in OUTPUT_EXTENSIONS
    if anatomical.is_dir() and all(path.is_dir() for path in partner) and not is_file:
        if len(partner) > 1:
            raise InputError("Folders are fused in pairs; name one folder of partners.")
        if report is not None:
            raise InputError("--report goes with one pair, not with folders of them.")
        fuse_folders(anatomical, partner[0], output, options, quiet)
    else:
        fuse_files(anatomical, partner, output, options, report, quiet)


def fuse_files(
    anatomical: Path,
    partners: list[Path],
    output: Path,
    options: dict[str, Any],
    report: Path | None,
    quiet: bool,
) -> None:
    """Fuse the files of one patient and say what was done."""
    from mactfusion.pipeline import fuse_volumes
    from mactfusion.report.fusion import write_fusion_report
    from mactfusion.report.names import check_report

    if report is not None:
        check_report(report, options["overwrite"])
    with progress_bar(err, output.name, quiet) as progress:
        result = fuse_volumes(anatomical, partners, output=output, progress=progress, **options)
    if report is not None:
        write_fusion_report(report, result)
    if not quiet:
        describe(result, output)


def describe(result: FusionResult, output: Path) -> None:
    """Print warnings to stderr, and the file and how it was made to stdout."""
    for sentence in result.warnings:
        caution(sentence)
    record = result.record
    windows = [partner["level_width"] for partner in record.get("partners", [record])]
    partners = "partner window" if len(windows) == 1 else "partners' windows"
    shape = " x ".join(str(size) for size in result.fused.shape[1:])
    out.print(f"{record['task_reason']}", markup=False)
    out.print(f"The network is {result.model}, weights {record['weights']['name']}.", markup=False)
    out.print(
        f"{output}: {'colour' if len(result.fused) == 3 else 'grey'}, {shape}, {record['axis']} "
        f"slices, {partners} {' and '.join(f'{level:g},{width:g}' for level, width in windows)}, "
        f"coverage {100 * record['coverage']:.1f} %, "
        f"{record['seconds']['total']:.1f} s",
        markup=False,
    )


def fuse_folders(
    anatomical: Path, partner: Path, output: Path, options: dict[str, Any], quiet: bool
) -> None:
    """Fuse the files of two folders that have the same name but for the extension."""
    from mactfusion.io.folder import files_by_stem
    from mactfusion.io.formats import PICTURE_EXTENSIONS, extension_of
    from mactfusion.io.guard import guarded

    first, second = files_by_stem(anatomical), files_by_stem(partner)
    common = sorted(set(first) & set(second))
    if not quiet:
        for path in [p for s, p in sorted({**first, **second}.items()) if s not in common]:
            err.print(f"Warning: {path} has no counterpart.", style="yellow", markup=False)
    if not common:
        raise InputError(
            f"{anatomical} and {partner} have no file names in common; for two DICOM series give "
            "-o a file name that ends in .nii.gz."
        )
    with guarded(f"{output} cannot be made a folder", prints=False):
        output.mkdir(parents=True, exist_ok=True)
    failed = 0
    for stem in common:
        is_picture = extension_of(first[stem]) in PICTURE_EXTENSIONS
        target = output / f"{stem}{'.png' if is_picture else '.nii.gz'}"
        try:
            fuse_files(first[stem], [second[stem]], target, options, None, quiet)
        except InputError as error:
            failed += 1
            err.print(f"Error: {stem}: {error}", style="red", markup=False)
    if failed:
        raise InputError(f"{failed} of {len(common)} pairs could not be fused, see above.")


@app.command()
def info(file: Annotated[Path, typer.Argument(help="A volume, picture or DICOM folder.")]) -> None:
    """Print geometry, modality guess and range of a volume."""
    import nibabel as nib
    import numpy as np

    from mactfusion.io import read_volume
    from mactfusion.transforms import choose_axis, guess_modality

    with listening(caution):
        volume = read_volume(file)
    affine = volume.affine.numpy()
    spacing_mm = np.linalg.norm(affine[:3, :3], axis=0)
    tilt = float(nib.affines.obliquity(affine).max())
    modality, reason = guess_modality(volume)
    for name, value in {
        "file": file.name,
        "size": " x ".join(str(size) for size in volume.shape[1:]),
        "channels": "RGB" if len(volume) == 3 else "1",
        "spacing": " x ".join(f"{size:.4g}" for size in spacing_mm) + " mm",
        "axis codes": "".join(nib.aff2axcodes(affine)),
        "oblique": f"{np.degrees(tilt):.1f} degrees",
        "first voxel": ", ".join(f"{place:.2f}" for place in affine[:3, 3]) + " mm (RAS)",
        "slice axis": choose_axis(volume),
        "stored type": str(volume.meta["source_dtype"]),
        "range": f"{float(volume.min()):g} to {float(volume.max()):g}",
        "modality": modality or "unknown",
        "because": reason,
    }.items():
        out.print(f"{name:<12} {value}", markup=False)


@app.command(name="import-weights")
def import_weights(
    file: Annotated[Path, typer.Argument(help="The authors' checkpoint: MACTFusion or DILRAN.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Weight file to write.")],
    model: Annotated[
        str | None, typer.Option(help="Whose it is: mactfusion, dilran. By default its keys tell.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace it.")] = False,
) -> None:
    """Convert an authors' published checkpoint to this project's names."""
    from mactfusion.networks.published_weights import import_published_weights
    from mactfusion.weights import read_state, save_state

    if output.exists() and not overwrite:
        raise InputError(f"{output} exists already; add --overwrite or choose another name.")
    try:
        imported = import_published_weights(read_state(file), model)
    except InputError as error:
        raise InputError(f"{file.name}: {error}") from error
    digest = save_state(imported.state, output)
    for key in imported.dead:
        out.print(f"not used: {key}", markup=False)
    out.print(
        f"{output}: {imported.model}, {len(imported.state)} tensors, {len(imported.dead)} unused "
        f"ones left out, SHA-256 {digest}",
        markup=False,
    )


app.command()(models)
app.command()(evaluate)


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")] = Path("demo"),
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
) -> None:
    """Make a synthetic head, fuse its MR with CT, PET and SPECT, and check the result."""
    from mactfusion.demo import MisplacedLandmarkError, run_demo

    try:
        run_demo(folder, device)
    except MisplacedLandmarkError as error:
        fail(str(error))


def print_version(value: bool) -> None:
    """Print the version and stop."""
    if value:
        out.print(__version__)
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001  its callback answers
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Version.")
    ] = False,
) -> None:
    """Fuse MR with CT, PET or SPECT into one volume on the MR grid. Not a medical device."""
    if context.invoked_subcommand is None:
        err.print(context.get_help(), markup=False)
        raise typer.Exit(2)


if __name__ == "__main__":
    main()
