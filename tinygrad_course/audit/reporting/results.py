"""The report as data."""

from dataclasses import asdict, dataclass, field
from typing import Any

RIGHT, WRONG, UNCHECKED = "right", "wrong", "unchecked"
OUTSIDE = "(outside functions)"
"""Stands in a function's place for what Python cannot read between the functions."""


DIAGNOSES: dict[str, str] = {
    "missing_1_over_m": "m times too large: 1/m is missing",
    "double_1_over_m": "1/m twice",
    "wrong_factor": "a wrong factor",
    "wrong_sign": "wrong sign",
    "transposed": "transposed",
    "wrong_operand": "wrong operand",
    "wrong_axis": "summed over the wrong axis",
    "not_summed": "not summed over the examples",
    "axis_missing": "summed over everything: the axis is missing",
    "summed_early": "summed over the examples, each of which has a value of its own",
    "keepdims_missing": "keepdims missing",
    "mean_for_sum": "mean where a sum belongs",
    "sum_for_mean": "sum where a mean belongs",
    "sum_for_product": "a sum where a matrix product belongs",
    "product_for_sum": "a matrix product where a sum belongs",
    "product_missing": "a matrix product is missing",
    "wrong_activation_derivative": "derivative of another activation",
    "derivative_missing": "the derivative of the activation is missing",
    "wrong_activation": "another activation",
    "activation_missing": "the activation (sigmoid) is missing",
    "comparison_reversed": "comparison the wrong way round",
    "l2_missing": "the L2 term is missing",
    "l2_on_bias": "the L2 term on the bias",
    "l2_factor": "a wrong factor in the L2 term",
    "mask_missing": "the mask is not applied",
    "mask_twice": "the mask is applied twice",
    "wrong_mask": "another layer's mask",
    "mask_inverted": "inverted mask",
    "keep_prob_missing": "not divided by keep_prob",
    "keep_prob_twice": "divided by keep_prob twice",
    "index_off_by_one": "an index off by one",
    "dA_index": "dA index off by one",
    "a_for_z": "A where Z belongs",
    "z_for_a": "Z where A belongs",
    "stale_cache": "stale cache",
    "log_base": "base-10 logarithm where the natural one belongs",
    "in_place": "an in-place change of the caller's arrays",
    "j_minus_from_thetaplus": "J_minus computed from thetaplus",
    "bias_correction": "bias correction with a wrong exponent",
    "bias_correction_missing": "bias correction missing",
    "epsilon_in_root": "epsilon inside the root",
    "beta_swapped": "beta1 and beta2 confused",
    "moments_confused": "v and s confused",
    "learning_rate": "the learning rate is not applied as it should be",
    "elementwise": "elementwise product and matrix product confused",
    "term_missing": "a term is missing",
    "gradient_missing": "the gradient is missing",
    "bias_missing": "the bias is missing",
    "extra_term": "a term too much",
    "wrong_power": "a wrong power",
    "wrong_function": "another function",
    "wrong_constant": "a wrong constant",
    "wrong_order": "values in the wrong order",
    "missing_output": "a value is not returned",
    "no_return": "nothing is returned",
    "uniform_for_normal": "np.random.rand (uniform) where np.random.randn (normal) belongs",
    "initial_scale": "the scale of the initial weights",
    "initial_symmetry": "weights that start equal",
    "not_shuffled": "the examples are not shuffled",
    "pairs_broken": "X and Y are shuffled differently",
    "examples_lost": "examples are lost or repeated",
    "batch_size": "mini-batches of a wrong size",
    "not_handed_on": "not handed on to the next round of the loop",
    "updated_early": "a parameter is updated before its last use",
    "not_updated": "the parameters are not updated",
    "old_parameters": "the old parameters are returned",
    "loop_count": "the loop goes round too seldom",
    "threshold": "a wrong threshold",
    "statement_extra": "a statement too much",
    "removed_api": "a function that NumPy or SciPy no longer has",
    "no_whole_number": "a quotient where a whole number is needed",
    "syntax": "Python cannot read it",
    "never_ends": "does not end",
    "exits": "ends the program",
    "memory": "takes too much memory",
    "crashes": "ends the interpreter",
    "wrong_keyword": "an argument that the function does not have",
    "argument_missing": "an argument is missing",
    "row_for_column": "a row where a column (one example) belongs",
    "not_indexed": "a whole array where one example's entry belongs",
    "not_defined": "a name that is not defined",
    "shape": "a wrong shape",
    "factor": "a constant factor",
    "unknown": "a difference without a known cause",
    "raises": "raises an exception",
}
"""The names of the mistakes, and the words for each."""


@dataclass
class Finding:
    """One mistake: where, what, and how it shows."""

    quantity: str
    """The first wrong quantity."""
    diagnosis: str
    """A key of DIAGNOSES."""
    message: str
    line: int | None = None
    cell: int | None = None
    file: str = ""
    """The module beside the submission that it stands in; empty for the submission itself."""
    source: str = ""
    suggestion: str = ""
    """The line as it is right; empty where no change of one line was found that makes it right."""
    verified: bool = False
    """Whether every case passes with the suggestion (and with those of the other findings)."""
    yours: Any = None
    right: Any = None
    ratio: float | None = None
    example: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The diagnosis in words."""
        return DIAGNOSES[self.diagnosis]

    @property
    def details(self) -> str:
        """The message without the title, which stands above it."""
        return self.message.removeprefix(self.title).removeprefix("; ")


@dataclass(repr=False)
class FunctionReport:
    """What the audit says of one function."""

    name: str
    line: int
    kind: str = ""
    cell: int | None = None
    file: str = ""
    """The module beside the submission that holds it; empty for the submission itself."""
    status: str = RIGHT
    findings: list[Finding] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    against: str = ""
    """What it was held against: the graph of the file's own forward pass, or the course's formula."""
    cases: int = 0
    raises_always: bool = False
    """Whether every case that is not right raises."""

    def __repr__(self) -> str:
        """Return ``<FunctionReport of backward_propagation: wrong, line 18>``."""
        line = next((f.line for f in self.findings if f.line is not None), self.line)
        return f"<FunctionReport of {self.name}: {self.status}, line {line}>"

    @property
    def points(self) -> int:
        """One for a right function."""
        return int(self.status == RIGHT)

    @property
    def of(self) -> int:
        """One for a function of the submission that was judged."""
        return int(self.status != UNCHECKED and self.name != OUTSIDE and not self.file)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data, ready for JSON."""
        return {**asdict(self), "points": self.points, "of": self.of}


@dataclass(repr=False)
class Report:
    """What the audit says of one file."""

    file: str
    seed: int = 0
    functions: list[FunctionReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    error: str = ""
    """Why the file could not be checked, where it could not."""
    seconds: float = 0.0
    asked: int = 0
    """How many functions the assignment asks for; 0 where that is not said."""

    def __repr__(self) -> str:
        """Return ``<Report on homework.py: wrong, 3 of 4 functions right>``."""
        told = self.error or f"{self.points} of {self.of} functions right"
        return f"<Report on {self.file}: {self.status}, {told}>"

    @property
    def mistakes(self) -> list[tuple[FunctionReport, Finding]]:
        """Every mistake, with the function that it was made in."""
        return [(function, finding) for function in self.functions for finding in function.findings]

    @property
    def points(self) -> int:
        """How many functions are right."""
        return sum(function.points for function in self.functions)

    @property
    def of(self) -> int:
        """How many functions were checked, or are asked for."""
        return self.asked or sum(function.of for function in self.functions)

    @property
    def status(self) -> str:
        """right, wrong, or failed where nothing could be checked."""
        if self.error or not (self.of or any(one.file for one in self.functions)):
            return "failed"
        if self.asked and self.points < self.asked and not self.functions:
            return WRONG
        return RIGHT if all(function.status != WRONG for function in self.functions) else WRONG

    @property
    def problem(self) -> str:
        """Why nothing of the file was judged, "" where something was."""
        if self.error or self.of:
            return self.error
        return (
            "nothing in it could be judged" if self.functions else "no function of the course was found in it"
        )

    @property
    def exit_status(self) -> int:
        """0 all right, 1 something wrong, 2 could not be checked."""
        return {RIGHT: 0, WRONG: 1}.get(self.status, 2)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain data, ready for JSON."""
        names = ("file", "status", "points", "of", "seed", "error", "seconds")
        plain = {name: getattr(self, name) for name in names}
        return {**plain, "functions": [one.as_dict() for one in self.functions], "notes": self.notes}


def from_dict(plain: dict[str, Any]) -> FunctionReport:
    """Return the report of a function from its data."""
    names = {name: value for name, value in plain.items() if name in FunctionReport.__dataclass_fields__}
    names["findings"] = [Finding(**finding) for finding in plain.get("findings", [])]
    return FunctionReport(**names)
