"""The data the course trains on, each set with a loader, in the course's orientation.

Every module here has a ``load(...)`` that returns a :class:`~datasets.container.Dataset`: examples are
columns, ``X_train`` is (n_x, m) and ``Y_train`` is (1, m), both float64.

=====================  =================================  ================================================
module                 the course's assignment            where it comes from
=====================  =================================  ================================================
``cats``               1.2 and 1.4                        two HDF5 files (``python -m datasets.cats``)
``digits``             none; pictures without a download  scikit-learn
``flower``             1.3                                drawn by formula
``circles``            2.1 initialisation; 1.3 optional   drawn by scikit-learn
``moons``              2.2; 1.3 optional                  drawn by scikit-learn
``blobs``              1.3 optional                       drawn by scikit-learn
``quantiles``          1.3 optional                       drawn by scikit-learn
``no_structure``       1.3 optional                       drawn at random
``football``           2.1 regularisation                 one MATLAB file (``python -m datasets.football``)
=====================  =================================  ================================================

``extra.load()`` draws the five optional sets of 1.3 from one random stream, in the course's order.

>>> from datasets import flower
>>> flower.load(seed=1)
<Dataset flower: X_train (2, 400), Y_train (1, 400), no test part>
"""

from datasets.container import Dataset

__all__ = ["Dataset"]
