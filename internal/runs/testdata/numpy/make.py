# Makes the other files of this folder from tandem.npz, with NumPy 1.24.2: python3 make.py
import zipfile

import numpy
from numpy.lib import format

model = dict(numpy.load("tandem.npz"))
arrays = {name: x for name, x in model.items() if name != "tandem.json"}
backwards = dict(reversed(model.items()))

# The description becomes an array of one string of bytes.
numpy.savez("saved.npz", **model)
numpy.savez_compressed("compressed.npz", **backwards)
# The columns of a matrix follow each other.
numpy.savez("fortran.npz", **{name: numpy.asfortranarray(x) for name, x in model.items()})
numpy.savez("float64.npz", more=numpy.arange(3), **{"tandem.json": model["tandem.json"]},
            **{name: x.astype(numpy.float64) for name, x in arrays.items()})
# The header's length has four bytes.
with zipfile.ZipFile("version2.npz", "w") as z:
    z.writestr("tandem.json", model["tandem.json"])
    for name, x in arrays.items():
        with z.open(name + ".npy", "w") as f:
            format.write_array(f, x, version=(2, 0))
