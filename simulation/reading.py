"""Files become plain data and plain data become records; every fault is one sentence with its remedy."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import ValidationError

from simulation.terms import BadInput, Fault, refuse, short, words
from simulation.trees import meant, nearest

MAX_BYTES = 200_000
MAX_DEPTH = 40
MAX_VALUES = 100_000  # of a tree of data; as YAML no text within the bounds holds more
MAX_FAULTS = 20  # told of one file; a file of nothing but faults holds thousands
UNSEEN = re.compile(r"[\0-\x08\x0e-\x1f\x7f]")  # control characters: no text has them
HIGH = bytes(range(0x80, 0x100))
CHARACTER = re.compile(rb"[\xe2-\xef][\x80-\xbf]{2}")  # as UTF-8 writes Chinese and its punctuation
NUMERAL = re.compile(r"[-+]?(\.[0-9]+|([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


class PlainLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """PyYAML's safe loader with the plain types of YAML 1.2: `no` is a word and 1:30 is not ninety.

    Numbers may be written as Chinese input methods and spreadsheets do: full-width, or with commas between thousands.
    """

    yaml_implicit_resolvers: dict = {}


for tag, pattern, first in (
    ("null", r"~|null|Null|NULL|", ["", *"~nN"]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+－＋]?([0-9０-９]{1,3}([,，][0-9０-９]{3})+|[0-9０-９]+)", [*"-+－＋0123456789０１２３４５６７８９"]),
    ("float", r"[-+－＋]?([.．][0-9０-９]+|([0-9０-９]{1,3}([,，][0-9０-９]{3})+|[0-9０-９]+)([.．][0-9０-９]*)?)"
     r"([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", [*"-+－＋0123456789０１２３４５６７８９.．"]),
):
    PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{pattern})$"), first)
PlainLoader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(numeral(node.value)))
PlainLoader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: float(
    numeral(node.value).lower().replace(".inf", "inf").replace(".nan", "nan")))


def half_width(text: str) -> str:
    """Text with its full-width forms half-width; a raised, circled or broken figure stays one and is no digit.

    >>> half_width("１２，５％"), half_width("20①"), half_width("1½")
    ('12,5%', '20①', '1½')
    """
    folded = ((letter, unicodedata.normalize("NFKC", letter)) for letter in text)
    return "".join(letter if any(map(str.isdigit, half)) and not letter.isdecimal() else half
                   for letter, half in folded)


def numeral(text: str) -> str:
    """A number as Python writes it: half-width, without commas between thousands; any other text stays as it is.

    >>> numeral("１２，０００．５"), numeral("12,000"), numeral("1,2"), numeral("甲，乙")
    ('12000.5', '12000', '1,2', '甲，乙')
    """
    half = half_width(text.strip())
    return half.replace(",", "") if NUMERAL.fullmatch(half) else text


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
                     words("请检查缩进，冒号、逗号和引号应为半角",
                           "check indents, and that colons, commas and quotes are half-width")) from None
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
    """A text file of at most so many bytes, or one clear fault."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError):  # a path with a null character is a ValueError
        raise refuse(short(path.name), words("读不到这个文件", "the file cannot be read"),
                     words("请检查路径和权限", "check the path and permissions")) from None
    return decoded(content, path.name, most)


def decoded(content: bytes, place: str, most: int = MAX_BYTES) -> str:
    r"""The text of a file in UTF-8, UTF-16 with its mark, or GB18030 as Chinese offices save it; each line end as one.

    Raises `BadInput` for more than `most` bytes and for what is no text. A file in UTF-8 with a damaged byte is not
    taken for GB18030, in which almost any bytes stand for some characters.

    >>> decoded(b"\xef\xbb\xbfa: 1\r\n", "x.yaml"), decoded("县: 一".encode("gb18030"), "x.yaml")
    ('a: 1\n', '县: 一')
    """
    if len(content) > most:
        raise too_large(place, most)
    utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if utf16 else ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            if not utf16 and mostly_utf8(content):
                break
            continue
        if not UNSEEN.search(text):
            return re.sub("\r\n?", "\n", text.removeprefix("\ufeff"))
    raise refuse(place, words("不是 UTF-8 或 GB18030 文本", "not UTF-8 or GB18030 text"),
                 words("请另存为 UTF-8", "save it as UTF-8"))


def mostly_utf8(content: bytes) -> bool:
    """Whether most bytes beyond ASCII make Chinese characters of UTF-8; of a text in GB18030, few do by chance.

    >>> mostly_utf8("医保基金".encode()[:-1]), mostly_utf8("累计结余".encode("gb18030"))
    (True, False)
    """
    beyond = len(content) - len(content.translate(None, HIGH))
    return 2 * sum(map(len, CHARACTER.findall(content))) > beyond


def build(model: type, data: Any, place: str, check: Callable | None = None, most: int = MAX_VALUES) -> Any:
    """A record from plain data of at most so many values; faults of shape and of content come as one `BadInput`."""
    if values_in(data, most) > most:  # each may be a fault, and a fault takes a kilobyte
        raise refuse(place, words(f"内容多于 {most:,} 项", f"holds more than {most:,} values"),
                     words("请只保留所需内容", "keep only what is asked for in it"))
    try:
        record = model.model_validate(data)
    except ValidationError as error:
        problems = error.errors(include_url=False)
        read = problems[:5 * MAX_FAULTS]  # each is held against the others
        faults = [shape_fault(problem, model, place) for problem in read if not told_elsewhere(problem, read, model)]
        raise BadInput(first(faults, len(problems) - len(read), place)) from None
    if check and (faults := check(record, place)):
        raise BadInput(first(faults, 0, place))
    return record


def values_in(data: Any, most: int) -> int:
    """How many values a tree of lists and mappings holds, counted until there are more than `most`.

    >>> values_in({"a": [1, 2]}, 100), values_in([[], [], []], 2)
    (4, 4)
    """
    count, waiting = 0, [data]
    while waiting and count <= most:
        one = waiting.pop()
        count += 1
        if isinstance(one, list | dict):
            if len(one) > most:
                return count + len(one)
            waiting += one.values() if isinstance(one, dict) else one
    return count


def first(faults: list[Fault], more: int, place: str) -> list[Fault]:
    """The first twenty faults of a file, and how many more there are."""
    more += max(len(faults) - MAX_FAULTS, 0)
    return faults if more <= 0 else [*faults[:MAX_FAULTS], Fault(
        place, words(f"另有 {more} 处问题", f"and {more} more"),
        words("请先改正以上各处", "put those above right first"))]


def told_elsewhere(problem: Mapping[str, Any], problems: list, model: type) -> bool:
    """Whether another fault says it: a missing key is there, misspelt; a list is too short for its faulty items."""
    if problem["type"] == "too_short":
        at = problem["loc"]
        return any(other["loc"][:len(at)] == at and len(other["loc"]) > len(at) for other in problems)
    if problem["type"] != "missing":
        return False
    *path, name = problem["loc"]
    known = fields_at(model, path)
    return any(other["type"] == "extra_forbidden" and list(other["loc"][:-1]) == path
               and meant(str(other["loc"][-1]), known) == name for other in problems)


A_TIME = words("应为时间，如 2026-01-02T03:04:05", "a time belongs here, such as 2026-01-02T03:04:05")
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
    "invalid_key": words("键应为文字，数字里不要用逗号", "keys must be words, and numbers go without commas"),
    "datetime_type": A_TIME,
    "datetime_parsing": A_TIME,
    "datetime_from_date_parsing": A_TIME,
    "timezone_naive": words("不要写时区", "leave the time zone out"),
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
