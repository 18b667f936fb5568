"""What all tests share: graphs are verified after every trace."""

import os

os.environ["GRADIENTE_CHECK"] = "1"
