"""``mactfusion fuse``: volumes, or pictures, or two folders of them matched by file name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mactfusion.amounts import percent
from mactfusion.case import partner_roles
from mactfusion.cli.choices import with_options
from mactfusion.cli.screen import caution, complain, ignore, progress_console, tell
from mactfusion.errors import InputError, informing, listening
from mactfusion.io.dicom.choices import check_dicom_choices
from mactfusion.io.folder import files_by_stem
from mactfusion.io.formats import (
    OUTPUT_EXTENSIONS,
    PICTURE_EXTENSIONS,
    extension_of,
    is_dicom_output,
)
from mactfusion.io.names import check_apart, check_folder, sidecar_path
from mactfusion.option_values import is_automatic
from mactfusion.options import Options
from mactfusion.pipeline import fuse_volumes
from mactfusion.progress import progress_bar
from mactfusion.report.names import check_picture, check_report

if TYPE_CHECKING:
    from mactfusion.result import FusionResult

EXAMPLES = (
    "[bold]Examples[/]\n\n"
    "mactfusion fuse MR.nii.gz PET.nii.gz --task pet-mri -o fused_PET.nii.gz\n\n"
    "mactfusion fuse CT.nii.gz PET.nii.gz --task pet-ct -o fused_PET_on_CT.nii.gz\n\n"
    "mactfusion fuse MR.nii.gz CT.nii.gz --window bone -o fused_CT.nrrd --report fused_CT.html"
)

PAGES = "Pages and pictures"


@with_options
def fuse(
    anatomical: Annotated[
        Path,
        typer.Argument(
            help="MR or CT: file, DICOM (folder, file, DICOMDIR, ZIP), or folder of files; or a "
            "DICOM study that holds the partner too."
        ),
    ],
    partner: Annotated[
        list[Path] | None,
        typer.Argument(
            help="CT, PET, SPECT or second MR, likewise; one or several, in any order.",
            show_default=False,
        ),
    ] = None,
    *,
    report: Annotated[
        Path | None, typer.Option(help="Also write an HTML report.", rich_help_panel=PAGES)
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(help="Also write three planes as one PNG.", rich_help_panel=PAGES),
    ] = None,
    legend: Annotated[
        Path | None,
        typer.Option(
            help="Also write what the colours mean as one PNG: value by brightness.",
            rich_help_panel=PAGES,
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print errors only.", rich_help_panel=PAGES)
    ] = False,
    **options: Any,
) -> None:
    """Fuse volumes, or pictures, or two folders of them matched by file name."""
    output: Path = options["output"]
    is_one = extension_of(output) in OUTPUT_EXTENSIONS or is_dicom_output(output, options["format"])
    partners = partner or []
    pages = {"report": report, "picture": picture, "legend": legend}
    are_folders = partners and all(path.is_dir() for path in (anatomical, *partners))
    if are_folders and not is_one:
        if len(partners) > 1:
            raise InputError("Folders are fused in pairs; name one folder of partners.")
        for kind, page in pages.items():
            if page is not None:
                raise InputError(f"--{kind} goes with one pair, not with folders of them.")
        fuse_folders(anatomical, partners[0], options, quiet)
    else:
        fuse_files(anatomical, partners, options, pages, quiet)


def fuse_files(
    anatomical: Path,
    partners: list[Path],
    options: dict[str, Any],
    pages: dict[str, Path | None],
    quiet: bool,
) -> None:
    """Fuse the files of one patient, without partners those of a study; say what was done."""
    asked = {kind: path for kind, path in pages.items() if path is not None}
    if "legend" in asked and options["luminance"]:
        raise InputError(
            "--legend says what the colours mean, and --luminance leaves them out: leave out one "
            "of both."
        )
    for kind, path in asked.items():
        check = check_report if kind == "report" else check_picture
        check(path, options["overwrite"])
    output: Path = options["output"]
    roles = partner_roles(len(partners))
    check_apart(
        asked | {"fused volume": output, "record": sidecar_path(output)},
        {"anatomical volume": anatomical, "weight file": options["weights"]}
        | {f"{role} volume": path for role, path in zip(roles, partners, strict=True)}
        | {
            f"transform {number}": Path(file)
            for number, file in enumerate(options["transform"], 1)
            if not is_automatic(file)
        },
    )
    with (
        listening(ignore if quiet else caution),
        informing(ignore if quiet else tell),
        progress_bar(progress_console(), output.name, quiet) as progress,
    ):
        result = fuse_volumes(
            anatomical,
            partners or None,
            progress=progress or False,
            keep_native="report" in asked,
            **options,
        )
    if "report" in asked:
        from mactfusion.report.fusion import write_fusion_report

        write_fusion_report(asked["report"], result)
    if "picture" in asked:
        from mactfusion.report.picture import write_picture

        write_picture(asked["picture"], result)
    if "legend" in asked:
        from mactfusion.report.picture import write_legend

        write_legend(asked["legend"], result)
    if not quiet:
        tell(described(result, output))


def described(result: FusionResult, output: Path) -> str:
    """Say in one line what was written."""
    record = result.record
    shape = " x ".join(str(size) for size in result.fused.shape[1:])
    return (
        f"{output}: {'colour' if len(result.fused) == 3 else 'grey'}, {shape}, {record['axis']} "
        f"slices, coverage {percent(record['coverage'], 1)}, {record['seconds']['total']:.1f} s"
    )


def check_for_all(options: dict[str, Any], output: Path) -> None:
    """Refuse once what would be refused for each pair.

    Args:
        options: what was chosen.
        output: what one pair will become.

    Raises:
        InputError: values that cannot be or contradict each other, a device that is not there, or
            weights that cannot be used.
    """
    chosen = Options(**options)
    chosen.of_each(1)
    check_dicom_choices(
        output,
        format=chosen.format,
        dtype=chosen.dtype,
        dicom_template=chosen.dicom_template,
        anonymous=chosen.anonymous,
        blending_state=chosen.blending_state,
    )

    from mactfusion.recipe import Recipe

    # A recipe settles device, network and weights as it is made; it reads nothing.
    Recipe(output, [output], chosen.replaced(output=None, format="auto"))


def fuse_folders(anatomical: Path, partner: Path, options: dict[str, Any], quiet: bool) -> None:
    """Fuse the files of two folders that have the same name but for the extension."""
    output: Path = options["output"]
    first, second = files_by_stem(anatomical), files_by_stem(partner)
    common = sorted(set(first) & set(second))
    if not quiet:
        for path in [p for s, p in sorted({**first, **second}.items()) if s not in common]:
            caution(f"{path} has no counterpart.")
    if not common:
        raise InputError(
            f"{anatomical} and {partner} have no file names in common; for two DICOM series give "
            "-o a file name that ends in .nii.gz, or add --format dicom."
        )
    check_folder(output, f"{output} cannot be made a folder")
    check_for_all(options, output / f"{common[0]}.nii.gz")
    failed = 0
    for stem in common:
        is_picture = extension_of(first[stem]) in PICTURE_EXTENSIONS
        target = output / f"{stem}{'.png' if is_picture else '.nii.gz'}"
        own = {**options, "output": target}
        try:
            fuse_files(first[stem], [second[stem]], own, {}, quiet)
        except InputError as error:
            failed += 1
            complain(f"{stem}: {error}")
    if failed:
        raise InputError(f"{failed} of {len(common)} pairs could not be fused, see above.")
