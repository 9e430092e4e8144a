"""The addresses that the server answers: reading and fusing, and nothing else of MONAI Label.

MONAI Label's own take paths of the server and uploads, write into the folder of the studies, and
log what clients send.
"""

import json
import logging
import traceback
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Form, HTTPException, Request, Response
from monailabel.config import settings
from monailabel.endpoints import datastore, info, login
from monailabel.endpoints.infer import ResultType
from monailabel.endpoints.user.auth import RBAC
from monailabel.interfaces.app import MONAILabelApp
from requests_toolbelt import MultipartEncoder
from starlette.concurrency import run_in_threadpool

from mactfusion.errors import InputError
from mactfusion.worker.folder import remove_folder

_FIELDS = {"image", "output", "params"}
_LOG = logging.getLogger("mactfusion.label")


def only_serve(server: FastAPI, app: MONAILabelApp) -> None:
    """Replace all addresses of the server: ``/info/``, ``/datastore/`` and ``/infer/MODEL`` stay.

    Args:
        server: MONAI Label's.
        app: does the work.
    """
    router = APIRouter(dependencies=[Depends(_refuse_other_pages)])
    may_use = [Depends(RBAC(settings.MONAI_LABEL_AUTH_ROLE_USER))]
    router.include_router(info.router)
    router.add_api_route("/datastore/", app.datastore().json, dependencies=may_use)
    router.add_api_route(
        "/datastore/image",
        datastore.download_image,
        methods=["GET", "HEAD"],
        dependencies=may_use,
        response_model=None,
    )

    async def infer(
        request: Request,
        model: str,
        image: str = "",
        output: ResultType = ResultType.all,
        params: str = Form("{}"),
    ) -> Response:
        """Fuse an image with its partner, which ``params`` names."""
        asked = {*request.query_params, *(await request.form())}
        if unknown := sorted(asked - _FIELDS):
            raise _refusal(f"The request has the unknown field '{unknown[0]}'; send no files.")
        return await run_in_threadpool(
            _answer, app, {"model": model, "image": image}, params, output
        )

    router.add_api_route("/infer/{model}", infer, methods=["POST"], dependencies=may_use)
    if settings.MONAI_LABEL_AUTH_ENABLE:
        router.include_router(login.router)
    server.router.routes.clear()
    server.include_router(router, prefix=settings.MONAI_LABEL_API_STR)


def _answer(
    app: MONAILabelApp, target: dict[str, str], params: str, output: ResultType
) -> Response:
    """Fuse, and leave no file behind, whatever becomes of the answer."""
    try:
        result = app.infer({**_fields(params), **target})
        file = Path(result["file"])
        try:
            content = file.read_bytes()
        finally:
            remove_folder(file.parent)
    except InputError as error:
        raise _refusal(str(error)) from None
    except Exception as error:
        # The message may name a file, and with it a patient.
        where = "".join(traceback.format_tb(error.__traceback__))
        _LOG.error("%s while fusing:\n%s", type(error).__name__, where)
        raise HTTPException(500, "The server failed; its log says where.") from None
    if output is ResultType.json:
        return Response(json.dumps(result["params"]), media_type="application/json")
    if output is ResultType.image:
        disposition = {"Content-Disposition": f'attachment; filename="{file.name}"'}
        return Response(content, media_type="application/octet-stream", headers=disposition)
    parts = MultipartEncoder(
        {
            "params": (None, json.dumps(result["params"]), "application/json"),
            "image": (file.name, content, "application/octet-stream"),
        }
    )
    return Response(parts.to_string(), media_type=parts.content_type)


def _fields(params: str) -> dict[str, Any]:
    """Read the field ``params``.

    Raises:
        InputError: it is no JSON object, or would replace the image or the model.
    """
    try:
        # An integer of a thousand digits becomes infinity, which no window takes.
        fields = json.loads(params, parse_int=float)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise InputError("The field 'params' is no JSON object.")
    if replaced := {"image", "model"} & set(fields):
        raise InputError(
            f"The field '{min(replaced)}' belongs into the address, not into 'params'."
        )
    return fields


def _refusal(sentence: str) -> HTTPException:
    return HTTPException(400, sentence)


def _refuse_other_pages(request: Request) -> None:
    """Refuse what a web page of elsewhere asks for, unless the server's settings name it."""
    origin = request.headers.get("origin")
    allowed = [str(url).rstrip("/") for url in settings.MONAI_LABEL_CORS_ORIGINS]
    if origin is not None and origin not in (*allowed, str(request.base_url).rstrip("/")):
        raise HTTPException(403, "Pages of this address may not use the server.")
