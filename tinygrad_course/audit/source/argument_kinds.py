"""What kind of value an argument takes, by its name."""

import functools
import re

_SIZE = r"_?(size|shape|dims?|units?|features?|nodes?|neurons?|channels?|layer_?size|num)"
_COUNTED = "((n|num|dim|nn)_?|d_)"
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
    ("data", r"activations"),
    ("activation", r"act(?!ual)\w*|func\w*|.*_act\w*"),
    ("seed", r"(random_?)?(seed|state)"),
    ("draws", r"(np_?)?rng"),
    ("count", r"(n|num|no|max)?_?(iter\w*|epochs?|steps|passes)"),
    ("count", r"(mini)?_?batch_?size"),
    ("inputs", rf"{_COUNTED}(in(put)?s?|x|features|vocab)({_SIZE})?|dim|d_model"),
    (
        "inputs",
        rf"(in(put)?s?|vocab)(_?layer)?{_SIZE}|fan_?in|shape|x_?(dims?|shape)|in_?(c|ch|chan|f)|{_SIZE[2:]}_?in",
    ),
    ("hiddens", r"hid(den)?_?(layer)?s?_?(dims|sizes|layers|(size|dim|units)_list|list)"),
    ("hidden", rf"{_COUNTED}(h|hid|hdim|hidden)(_?layer)?"),
    ("hidden", rf"(hid(den)?|h|wordvec|emb\w*)(_?layer)?{_SIZE}|n_embd|d_ff"),
    ("outputs", rf"{_COUNTED}(out(put)?s?|y|classes|labels|neurons|units|filters?)({_SIZE})?"),
    ("outputs", rf"(out(put)?s?){_SIZE}|fan_?out|units|filters|out_?(c|ch|chan|f)|{_SIZE[2:]}_?out"),
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
    ("kernel", r"(kernel|filter|pool|f)_?(size|shape|h|w|height|width)?|k_?size|[hw]_?(kernel|filter|pool)"),
    ("scale", r"gamma|scale"),
    ("shift", r"beta|shift"),
    ("state", r"([hcas]_?(0|prev|pre|init)|prev_?[hcas]|[hcas]_?prev)(_?(state|h|c|t))?"),
    ("labels", r"y|[yt]_?b|ts?|ys|labels?|targets?|[yt]_?(true|real|hot|label|one_?hot)\w*"),
    ("labels", r"true\w*|truth|expected|desired|actual\w*"),
    ("predicted", r"(y_?)?(hat|pred\w*|prob\w*)|al|yhat|p_?y\w*|p|h_?x"),
    ("bias", r"b\w{0,2}|bias(es)?_?\d*"),
    ("recurrent", r"w_?(hh?|aa|rec)|u\w{0,2}"),
    ("weights", r"w\w{0,3}|weights?_?\d*|(nn_)?params?|theta\w*|kernels?|coef\w*|v"),
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
    bare = name.strip("_").lower()
    if not bare.startswith("is"):
        bare = re.sub(r"(?<=\w)_?(train|batch|mb|mini|val(id)?|test|dev)$", "", bare)
    bare = re.sub(r"^(mini_?)?(batch|mb|train|shuffled)_?(?=(x|y|data|inputs?|labels?|targets?)$)", "", bare)
    return next((kind for kind, names in _KINDS if re.fullmatch(names, bare)), "")
