"""What kind of value an argument takes, by its name, and by what is done with it."""

import ast
import functools
import re

from tinygrad_course.audit.source.syntax import called, nodes

_COUNTED = r"(num(ber)?(_?of)?|n|nn|dim|size|shape|units?|features?|channels?)_?|d_"
_SIZE = r"(_?(layer|size|shape|dim\w*|units?|features?|nodes?|neurons?|channels?|num(ber)?|length|count))+"
_INPUTS, _OUTPUTS = r"(in(p|put)?s?|x|vocab)", r"(out(put)?s?|y)"
_HIDDEN, _COUNTABLE = r"(hid(den)?s?|h)", r"(class(es)?|labels|neurons|units|filters?)"
_KINDS: tuple[tuple[str, str], ...] = (
    ("flag", r"verbose|print\w*|debug|plot\w*|show\w*"),
    ("training", r"(is_?)?train(ing)?(_?fl\w*|_?mode)?"),
    ("keeping", r"(save|store|keep|use|with)_?(for_?backward|cache\w*|ctx|context|memory|inputs?|state)"),
    ("weights", r"(initial_)?nn_params"),
    ("settings", r"\w+_(param|params|config|cfg|options)|hparam\w*"),
    ("number", r"reg\w*|lam\w*|lmd|l[12]\w*|drop\w*|keep\w*|(\w+_)?ratio|\w+_(scale|std)"),
    ("number", r"learning_?rate|lr|alpha|eta|rate|momentum|decay\w*|rho"),
    ("epsilon", r"eps\w*"),
    ("mode", r"mode"),
    ("optimizer", r"opt(imi[sz]er)?"),
    ("slope", r".*(prime|deriv)\w*"),
    ("data", r"activations|activation_?prev|prev_?activation"),
    ("activation", r"act(?!ual)\w*|func\w*|.*_act\w*"),
    ("seed", r"(random_?)?(seed|state)"),
    ("draws", r"(np_?)?rng"),
    ("count", r"(n|num|no|max)?_?(iter\w*|epochs?|steps|passes)"),
    ("count", r"(mini)?_?batch_?size"),
    ("reach", r"\w*trunc\w*"),
    ("inputs", rf"({_COUNTED})({_INPUTS}|features)({_SIZE})?|{_INPUTS}{_SIZE}"),
    ("inputs", r"fan_?in|shape|in_?(c|ch|chan|f)|dim|d_model"),
    ("hiddens", r"hid(den)?_?(layer)?s?_?(dims|sizes|layers|(size|dim|units)_list|list)"),
    ("hidden", rf"({_COUNTED})({_HIDDEN}|hdim)({_SIZE})?|({_HIDDEN}|wordvec|emb\w*){_SIZE}|d_ff|n_embd"),
    ("outputs", rf"({_COUNTED})({_OUTPUTS}|{_COUNTABLE})({_SIZE})?|{_OUTPUTS}{_SIZE}|class(es)?_?num"),
    ("outputs", r"fan_?out|units|filters|out_?(c|ch|chan|f)"),
    ("sizes", r"sizes?|(layers?_?)?(dims?|sizes)|layers?|topology|structure"),
    ("examples", r"(n|num|no)_?(examples|samples|train\w*|obs\w*|points|data)|m|n|N"),
    ("heads", r"((n|num)_?)?heads|heads_num"),
    ("layer count", r"(n|num)_?(layers|blocks)"),
    ("vector", r"\w*vec(tor)?"),
    ("word", r"\w+word_?(idx|index)"),
    ("maker", r"\w*init\w*_(fn|func\w*)"),
    ("stride", r"strides?|(\w+_)?factor"),
    ("mask", r"masks?"),
    ("dtype", r"dtype"),
    ("padding", r"pad(ding)?"),
    ("kernel height", r"(kernel|filter|pool|f)_?(h|height)|h_?(kernel|filter|pool)"),
    ("kernel width", r"(kernel|filter|pool|f)_?(w|width)|w_?(kernel|filter|pool)"),
    ("kernel", r"(kernel|filter|pool|f)_?(size|shape)?|k_?size"),
    ("scale", r"gamma|scale"),
    ("shift", r"beta|shift"),
    ("state", r"([hcas]_?(0|prev|pre|init)|prev_?[hcas]|[hcas]_?prev)(_?(state|h|c|t))?"),
    ("labels", r"y|[yt]_?b|ts?|ys|labels?|targets?|[yt]_?(true|real|hot|label|one_?hot)\w*"),
    ("labels", r"true\w*|truth|expected|desired|actual\w*"),
    ("predicted", r"(y_?)?(hat|pred\w*|prob\w*)|al|yhat|p_?y\w*|p|h_?x"),
    ("bias", r"b\w{0,2}|b_?(in|init\w*|0)|(init\w*)_b|bias(es)?_?\d*"),
    ("recurrent", r"w_?(hh?|aa|rec)|u\w{0,2}"),
    ("weights", r"w\w{0,3}|w_?init\w*|init\w*_w|weights?_?\d*|(nn_)?params?|theta\w*|kernels?|coef\w*|v"),
    ("data", r"x\w{0,3}|input\w*|data|a(_?prev)?\d*|z\d*|h\d*|s|in"),
    ("data", r"im\w*|pic\w*|arr\w*|features|logits|scores|out\w*|idxs?"),
)


@functools.cache
def category(name: str) -> str:
    """Return what kind of value an argument of this name takes, "" where the name does not say.

    Examples
    --------
    >>> category("X_train"), category("W1"), category("y_val"), category("reg"), category("spam")
    ('data', 'weights', 'labels', 'number', '')
    """
    bare = re.sub(r"(?<=[a-z][a-z])(?=[A-Z])", "_", name.strip("_")).lower()
    if not bare.startswith("is"):
        bare = re.sub(r"(?<=\w)_?(train|batch|mb|mini|val(id)?|test|dev)$", "", bare)
    bare = re.sub(r"^(mini_?)?(batch|mb|train|shuffled)_?(?=(x|y|data|inputs?|labels?|targets?)$)", "", bare)
    return next((kind for kind, names in _KINDS if re.fullmatch(names, bare)), "")


_SETTING_KEYS = {"stride", "pad", "f", "pool_height", "pool_width"}


def kinds_by_use(node: ast.FunctionDef, names: list[str]) -> dict[str, str]:
    """Return what kinds arguments are of that a function reads by keys or one after the other.

    Examples
    --------
    >>> code = "def f(self, hidden_units, spec, p): return range(len(hidden_units)), [*spec], p['stride']"
    >>> kinds_by_use(ast.parse(code).body[0], ["hidden_units", "spec", "p"])
    {'hidden_units': 'hiddens', 'spec': 'sizes', 'p': 'settings'}
    """
    found: dict[str, str] = {}
    for name in names:
        reads = [one.slice for one in nodes(node, ast.Subscript) if _named(one.value, name)]
        keys = {one.value for one in reads if isinstance(one, ast.Constant)}
        several = [one.iter for one in nodes(node, ast.For)]
        several += [one.iter for one in nodes(node, ast.comprehension)]
        several += [one.args[0] for one in nodes(node, ast.Call) if called(one) in _SEVERAL and one.args]
        several += [one.value for one in nodes(node, ast.Starred)]
        if keys & _SETTING_KEYS:
            found[name] = "settings"
        elif category(name) in _LISTS and (any(_named(one, name) for one in several) or keys & {0, 1, -1}):
            found[name] = _LISTS[category(name)]
        elif category(name) == "inputs" and any(_unpacked(one, name) for one in nodes(node, ast.Assign)):
            found[name] = "picture"
    return found


_SEVERAL = {"len", "enumerate", "zip", "list", "pairwise"}
_LISTS = {"": "sizes", "hidden": "hiddens", "outputs": "sizes"}
"""What is meant by a name where what it names has a length."""


def _unpacked(statement: ast.Assign, name: str) -> bool:
    target = statement.targets[0]
    return _named(statement.value, name) and isinstance(target, ast.Tuple) and len(target.elts) == 3


def _named(expression: ast.expr, name: str) -> bool:
    return isinstance(expression, ast.Name) and expression.id == name
