"""Files become plain data and plain data become records; every fault is one sentence with its remedy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from simulation.terms import BadInput, Fault, refuse, short, words
from simulation.trees import nearest

MAX_BYTES = 1_000_000


def read_yaml(text: str, place: str) -> Any:
    """Plain data from YAML 1.2: no tags, no aliases, no repeated keys.

    >>> read_yaml("a: 1", "x")
    {'a': 1}
    """
    if len(text.encode()) > MAX_BYTES:
        raise refuse(place, words(f"文件超过 {MAX_BYTES // 1000} KB",
                                  f"the file is larger than {MAX_BYTES // 1000} KB"),
                     words("请只保留情景内容", "keep only the scenario in it"))
    loader = YAML(typ="safe", pure=True)
    try:
        for token in loader.scan(text):
            if type(token).__name__ in ("AnchorToken", "AliasToken", "TagToken"):
                line = token.start_mark.line + 1
                raise refuse(f"{place}: line {line}", words("不支持锚点、引用和标签",
                                                            "anchors, aliases and tags are not read"),
                             words("请把内容直接写出", "write the content out"))
        return loader.load(text)
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1
        key = str(error.problem).split('"')[1] if '"' in str(error.problem) else ""
        raise refuse(f"{place}: line {line}: {short(key)}", words("这个键重复了", "this key is repeated"),
                     words("请只保留一个", "keep one of the two")) from None
    except MarkedYAMLError as error:
        line = (error.problem_mark or error.context_mark).line + 1
        raise refuse(f"{place}: line {line}", words("不是有效的 YAML", f"not valid YAML ({short(error.problem)})"),
                     words("请检查缩进、冒号和引号", "check indents, colons and quotes")) from None
    except (YAMLError, ValueError, RecursionError) as error:
        raise refuse(place, words("不是有效的 YAML", f"not valid YAML ({short(error)})"),
                     words("请检查这个文件的内容", "check what the file holds")) from None


def read_text(path: Path) -> str:
    """A text file of bounded size in UTF-8, or one clear fault."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise refuse(path.name, words(f"文件超过 {MAX_BYTES // 1000} KB",
                                          f"the file is larger than {MAX_BYTES // 1000} KB"),
                         words("请只保留情景内容", "keep only the scenario in it"))
        return path.read_text(encoding="utf-8-sig")
    except OSError:
        raise refuse(path.name, words("读不到这个文件", "the file cannot be read"),
                     words("请检查路径和权限", "check the path and permissions")) from None
    except UnicodeDecodeError:
        raise refuse(path.name, words("不是 UTF-8 文本", "not UTF-8 text"),
                     words("请另存为 UTF-8", "save it as UTF-8")) from None


def build(model: type, data: Any, place: str, check: Callable | None = None) -> Any:
    """A record from plain data; faults of shape and faults of content come as one `BadInput`."""
    try:
        record = model.model_validate(data)
    except ValidationError as error:
        raise BadInput([shape_fault(problem, model, place) for problem in error.errors()]) from None
    if check and (faults := check(record, place)):
        raise BadInput(faults)
    return record


def shape_fault(problem: Mapping[str, Any], model: type, place: str) -> Fault:
    """One validation problem in plain words, with the nearest known key where one is misspelt."""
    path = [str(part) for part in problem["loc"]]
    where = f"{place}: {'.'.join(short(part) for part in path)}"
    kind = problem["type"]
    if kind == "extra_forbidden":
        known = fields_at(model, path[:-1])
        near = nearest(path[-1], known)
        return Fault(where, words("不认识的键", "unknown key"), words(f"是否为：{near}", f"did you mean {near}"))
    if kind == "missing":
        return Fault(where, words("缺少", "is missing"), words("请补上这一项", "add it"))
    message = problem["msg"][0].lower() + problem["msg"][1:]
    return Fault(where, words(f"“{short(problem.get('input'))}”不合要求",
                              f"'{short(problem.get('input'))}' will not do"),
                 words(f"要求：{message}", message))


def fields_at(model: Any, path: list[str]) -> list[str]:
    """The field names a record knows at a path, as far as the path can be followed."""
    for part in path:
        field = getattr(model, "model_fields", {}).get(part)
        model = field.annotation if field else model
    return list(getattr(model, "model_fields", {}))
