"""Small networks on many cores are slower than on one: the threads are the physics'."""

import torch

torch.set_num_threads(1)
