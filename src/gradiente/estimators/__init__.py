"""Networks with the manners of scikit-learn."""

from gradiente.estimators.classifier import NetworkClassifier
from gradiente.estimators.regressor import NetworkRegressor

__all__ = ["NetworkClassifier", "NetworkRegressor"]
