"""The assignments' own function names and signatures, every backward function computed by the graph.

An assignment's script runs with only its imports changed::

    from models.course.logistic import *             # 1.2  logistic regression
    from models.course.planar import *               # 1.3  one hidden layer
    from models.course.steps import *                # 1.4  building a deep network, step by step
    from models.course.deep import *                 # 1.4  the deep network's application, dnn_app_utils
    from models.course.initialization import *       # 2.1  init_utils
    from models.course.regularization import *       # 2.1  reg_utils
    from models.course.gradient_checking import *    # 2.1  gc_utils
    from models.course.optimization import *         # 2.2  opt_utils

Several names mean another thing in another assignment: `predict` has three signatures. So each assignment has
its module. ``from models.course import *`` gives those of 1.4's application, and with them what only one
assignment has. Random numbers are the assignments': where one calls ``np.random.seed(3)``, here is
``RandomState(3)``, which leaves NumPy's global stream alone.
"""

from models.course import deep
from models.course.deep import *  # noqa: F403
from models.course.gradient_checking import (
    backward_propagation_n,
    dictionary_to_vector,
    forward_propagation_n,
    gradient_check,
    gradient_check_n,
    gradients_to_vector,
    vector_to_dictionary,
)
from models.course.initialization import (
    initialize_parameters_he,
    initialize_parameters_random,
    initialize_parameters_zeros,
)
from models.course.logistic import initialize_with_zeros, optimize, propagate
from models.course.optimization import (
    initialize_adam,
    initialize_velocity,
    random_mini_batches,
    update_parameters_with_adam,
    update_parameters_with_gd,
    update_parameters_with_momentum,
)
from models.course.planar import layer_sizes, nn_model
from models.course.regularization import (
    backward_propagation_with_dropout,
    backward_propagation_with_regularization,
    compute_cost_with_regularization,
    forward_propagation_with_dropout,
)

__all__ = [
    "backward_propagation_n",
    "backward_propagation_with_dropout",
    "backward_propagation_with_regularization",
    "compute_cost_with_regularization",
    "dictionary_to_vector",
    "forward_propagation_n",
    "forward_propagation_with_dropout",
    "gradient_check",
    "gradient_check_n",
    "gradients_to_vector",
    "initialize_adam",
    "initialize_parameters_he",
    "initialize_parameters_random",
    "initialize_parameters_zeros",
    "initialize_velocity",
    "initialize_with_zeros",
    "layer_sizes",
    "nn_model",
    "optimize",
    "propagate",
    "random_mini_batches",
    "update_parameters_with_adam",
    "update_parameters_with_gd",
    "update_parameters_with_momentum",
    "vector_to_dictionary",
]
__all__ += deep.__all__
