"""Files become plain data and plain data become records; every fault is one sentence with its remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError

from simulation.terms import BadInput, Fault, refuse, short, words
from simulation.trees import meant, nearest

MAX_BYTES = 200_000
MAX_DEPTH = 40


class PlainLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """PyYAML's safe loader with the plain types of YAML 1.2: `no` is a word and 1:30 is not ninety."""

    yaml_implicit_resolvers: dict = {}


for tag, pattern, first in (
    ("null", r"~|null|Null|NULL|", ["", *"~nN"]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]+", [*"-+0123456789"]),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
     [*"-+0123456789."]),
):
    PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})$"), first)
PlainLoader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(node.value))


def read_yaml(text: str, place: str) -> Any:
    """Plain data from YAML 1.2: no tags, no aliases, no repeated keys.

    >>> read_yaml("a: 1", "x")
    {'a': 1}
    """
    if len(text.encode()) > MAX_BYTES:
        raise too_large(place)
    if deepest(text) > MAX_DEPTH:
        raise refuse(place, words(f"嵌套超过 {MAX_DEPTH} 层", f"is nested more than {MAX_DEPTH} deep"),
                     words("请检查括号", "check the brackets"))
    try:
        for token in yaml.scan(text, PlainLoader) if re.search("[&*!]", text) else ():
            if isinstance(token, yaml.AnchorToken | yaml.AliasToken | yaml.TagToken):
                raise refuse(f"{place}: line {token.start_mark.line + 1}",
                             words("不支持锚点、引用和标签", "anchors, aliases and tags are not read"),
                             words("请把内容直接写出", "write the content out"))
        loader = PlainLoader(text)
        node = loader.get_single_node()
        check_keys(node, place)
        return loader.construct_document(node) if node else None
    except BadInput:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = short(error.problem or error.context)
        raise refuse(f"{place}: line {mark.line + 1}" if mark else place,
                     words("不是有效的 YAML", f"not valid YAML ({problem})"),
                     words("请检查缩进、冒号和引号", "check indents, colons and quotes")) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise refuse(place, words("不是有效的 YAML 文本", "not valid YAML text"),
                     words("请检查这个文件的内容", "check what the file holds")) from None


def deepest(text: str) -> int:
    r"""How deep brackets or indents of a text may nest at most: an upper bound that takes no parsing.

    >>> deepest("[[1], {a: 2}]"), deepest("a:\n  b:\n    c: 1")
    (2, 3)
    """
    depth = most = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth = max(depth + (1 if bracket in "[{" else -1), 0)
        most = max(most, depth)
    indents = {len(indent) for indent in re.findall(r"^([ -]*)\S", text, re.MULTILINE)}
    return max(most, len(indents)) if most else len(indents)


def check_keys(node: yaml.Node | None, place: str) -> None:
    """Refuse repeated keys and keys that are not words, naming the line."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            keys = set()
            for key, value in node.value:
                where = f"{place}: line {key.start_mark.line + 1}"
                if not isinstance(key, yaml.ScalarNode):
                    raise refuse(where, words("键应为文字", "a key is not a word"), words("请改正", "give it a name"))
                if key.value in keys:
                    raise refuse(f"{where}: {short(key.value)}", words("这个键重复了", "this key is repeated"),
                                 words("请只保留一个", "keep one of the two"))
                keys.add(key.value)
                waiting.append(value)


def too_large(place: str, most: int = MAX_BYTES) -> BadInput:
    """The refusal of a file over the limit."""
    return refuse(place, words(f"文件超过 {most // 1000} KB", f"the file is larger than {most // 1000} KB"),
                  words("请只保留所需内容", "keep only what is asked for in it"))


def read_text(path: Path, most: int = MAX_BYTES) -> str:
    """A text file of at most so many bytes in UTF-8, or one clear fault."""
    try:
        if path.stat().st_size > most:
            raise too_large(path.name, most)
        return decoded(path.read_bytes(), path.name)
    except OSError:
        raise refuse(path.name, words("读不到这个文件", "the file cannot be read"),
                     words("请检查路径和权限", "check the path and permissions")) from None


def decoded(content: bytes, place: str) -> str:
    r"""The text of a file in UTF-8, each line end as one sign; raises `BadInput`.

    >>> decoded(b"\xef\xbb\xbfa: 1\r\n", "x.yaml")
    'a: 1\n'
    """
    try:
        return re.sub("\r\n?", "\n", content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise refuse(place, words("不是 UTF-8 文本", "not UTF-8 text"),
                     words("请另存为 UTF-8", "save it as UTF-8")) from None


def build(model: type, data: Any, place: str, check: Callable | None = None) -> Any:
    """A record from plain data; faults of shape and faults of content come as one `BadInput`."""
    try:
        record = model.model_validate(data)
    except ValidationError as error:
        problems = error.errors()
        faults = [shape_fault(problem, model, place) for problem in problems if not misspelt(problem, problems, model)]
        raise BadInput(faults) from None
    if check and (faults := check(record, place)):
        raise BadInput(faults)
    return record


def misspelt(problem: Mapping[str, Any], problems: list, model: type) -> bool:
    """Whether a missing key is there after all, misspelt: the unknown key's own fault says so."""
    if problem["type"] != "missing":
        return False
    *path, name = problem["loc"]
    known = fields_at(model, path)
    return any(other["type"] == "extra_forbidden" and list(other["loc"][:-1]) == path
               and meant(str(other["loc"][-1]), known) == name for other in problems)


# What pydantic found, in plain words; {ge}, {le} and the like are the bound it names.
SHAPES = {
    "int_type": words("应为整数", "a whole number belongs here"),
    "int_parsing": words("应为整数", "a whole number belongs here"),
    "int_from_float": words("应为整数", "a whole number belongs here"),
    "float_type": words("应为数字", "a number belongs here"),
    "float_parsing": words("应为数字", "a number belongs here"),
    "finite_number": words("应为有限的数字", "a finite number belongs here"),
    "bool_type": words("应为 true 或 false", "true or false belongs here"),
    "string_type": words("应为文字", "text belongs here"),
    "dict_type": words("应为“键: 值”的列表", "a mapping of keys to values belongs here"),
    "model_type": words("应为“键: 值”的列表", "a mapping of keys to values belongs here"),
    "model_attributes_type": words("应为“键: 值”的列表", "a mapping of keys to values belongs here"),
    "list_type": words("应为列表", "a list belongs here"),
    "tuple_type": words("应为列表", "a list belongs here"),
    "greater_than_equal": words("应不小于 {ge}", "it must be at least {ge}"),
    "less_than_equal": words("应不大于 {le}", "it must be at most {le}"),
    "less_than": words("应小于 {lt}", "it must be below {lt}"),
    "too_long": words("最多 {max_length} 项", "at most {max_length} items are read"),
    "too_short": words("至少 {min_length} 项", "at least {min_length} items are needed"),
    "literal_error": words("可选：{expected}", "choose {expected}"),
    "string_pattern_mismatch": words("应为小写字母、数字和下划线，以字母开头",
                                     "use lower-case letters, digits and underscores, a letter first"),
}


def shape_fault(problem: Mapping[str, Any], model: type, place: str) -> Fault:
    """One validation problem in plain words, with the nearest known key where one is misspelt."""
    path = [str(part) for part in problem["loc"] if part != "[key]"]
    where = f"{place}: {'.'.join(short(part) for part in path)}" if path else place
    kind = problem["type"]
    if kind == "extra_forbidden":
        near = nearest(path[-1], fields_at(model, path[:-1]))
        remedy = words(f"是否为：{near}", f"did you mean {near}") if near else words("请删去", "remove it")
        return Fault(where, words("不认识的键", "unknown key"), remedy)
    if kind == "missing":
        return Fault(where, words("缺少", "is missing"), words("请补上这一项", "add it"))
    remedy = SHAPES.get(kind, words("请改正", problem["msg"]))
    bounds = problem.get("ctx", {})
    shown = short(problem.get("input"))
    return Fault(where, words(f"“{shown}”不合要求", f"'{shown}' will not do"),
                 words(remedy.zh.format(**bounds), remedy.en.format(**bounds)))


def fields_at(model: Any, path: Sequence[Any]) -> list[str]:
    """The field names a record knows at a path, through mappings and lists of records."""
    for part in path:
        field = getattr(model, "model_fields", {}).get(part)
        model = field.annotation if field else model
        while get_args(model):  # dict[str, Words], tuple[Change, ...]: what it holds
            inner = [arg for arg in get_args(model) if arg is not Ellipsis and arg is not type(None)]
            if field or not hasattr(model, "model_fields"):
                model = inner[-1]
    return list(getattr(model, "model_fields", {}))
