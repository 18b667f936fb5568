"""Losses of statistics against SciPy's distributions, scikit-learn and their definitions."""

import numpy as np
import pytest
from scipy import integrate, special, stats
from sklearn import metrics

from gradiente import losses
from gradiente.base.errors import InvalidArgumentError, ShapeError

RANDOM = np.random.default_rng(5)
MEAN = RANDOM.uniform(0.2, 4.0, 30)
LOG_MEAN = np.log(MEAN)
COUNTS = RANDOM.poisson(MEAN).astype(float)
AMOUNTS = RANDOM.gamma(2.0, MEAN / 2)
Y = RANDOM.normal(size=30)


def same(ours, expected):
    np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("dispersion", [0.01, 0.7, 30.0])
def test_negative_binomial(dispersion):
    size = 1 / dispersion
    expected = -stats.nbinom.logpmf(COUNTS, size, size / (size + MEAN))
    each = losses.negative_binomial.per_sample
    same(each(LOG_MEAN, COUNTS, dispersion=dispersion, full=True), expected)
    both = np.stack([LOG_MEAN, np.full(30, np.log(dispersion))], axis=1)
    same(each(both, COUNTS, full=True), expected)
    without = expected - special.gammaln(COUNTS + 1)
    same(each(both, COUNTS), without)


def test_negative_binomial_of_no_dispersion_is_poisson():
    ours = losses.negative_binomial.per_sample(LOG_MEAN, COUNTS, dispersion=1e-12, full=True)
    np.testing.assert_allclose(ours, -stats.poisson.logpmf(COUNTS, MEAN), rtol=1e-9)


def test_zero_inflated_poisson():
    share = RANDOM.uniform(0.05, 0.95, 30)
    poisson = (1 - share) * stats.poisson.pmf(COUNTS, MEAN)
    expected = -np.log(np.where(COUNTS == 0, share, 0) + poisson)
    each = losses.zero_inflated_poisson.per_sample(
        (LOG_MEAN, special.logit(share)), COUNTS, full=True
    )
    same(each, expected)


def test_gamma():
    half = metrics.mean_gamma_deviance(AMOUNTS, MEAN) / 2
    same(losses.gamma(LOG_MEAN, AMOUNTS, full=True), half)
    same(losses.gamma(MEAN, AMOUNTS, full=True, log_input=False), half)
    exponential = -stats.expon.logpdf(AMOUNTS, scale=MEAN)
    same(losses.gamma.per_sample(LOG_MEAN, AMOUNTS), exponential)


@pytest.mark.parametrize("power", [0, 1, 1.3, 1.5, 2, 3])
def test_tweedie(power):
    half = metrics.mean_tweedie_deviance(AMOUNTS, MEAN, power=power) / 2
    same(losses.tweedie(LOG_MEAN, AMOUNTS, power=power, full=True), half)
    same(losses.tweedie(MEAN, AMOUNTS, power=power, full=True, log_input=False), half)


def test_tweedie_allows_zeros_and_refuses_powers_without_a_distribution():
    zeros = np.where(AMOUNTS > 2, AMOUNTS, 0.0)
    half = metrics.mean_tweedie_deviance(zeros, MEAN, power=1.5) / 2
    same(losses.tweedie(LOG_MEAN, zeros, full=True), half)
    with pytest.raises(InvalidArgumentError, match="at most 0 or at least 1"):
        losses.tweedie(LOG_MEAN, AMOUNTS, power=0.5)


def test_gaussian_nll_of_a_logarithm():
    expected = -stats.norm.logpdf(Y, LOG_MEAN, np.sqrt(MEAN))
    for options in ({"log_variance": True}, {}):
        second = np.log(MEAN) if options else MEAN
        each = losses.gaussian_nll.per_sample((LOG_MEAN, second), Y, full=True, **options)
        same(each, expected)


@pytest.mark.parametrize("size", [1, 2])
def test_mixture_density(size):
    logits, means, scales = RANDOM.normal(size=(3, 30, 4)), None, None
    logits = logits[0]
    means, scales = RANDOM.normal(size=(2, 30, 4, size))
    y = RANDOM.normal(size=(30, size))
    each = stats.norm.pdf(y[:, None], means, np.exp(scales)).prod(axis=-1)
    expected = -np.log(np.sum(special.softmax(logits, axis=-1) * each, axis=-1))
    same(losses.mixture_density.per_sample((logits, means, scales), y), expected)
    flat = np.concatenate([logits, means.reshape(30, -1), scales.reshape(30, -1)], axis=1)
    same(losses.mixture_density.per_sample(flat, y), expected)
    with pytest.raises(ShapeError, match="needs a multiple of"):
        losses.mixture_density(flat[:, 1:], y)


def test_gaussian_crps_is_its_integral():
    mean, scale = RANDOM.normal(size=5), RANDOM.uniform(0.3, 2.0, 5)
    each = losses.gaussian_crps.per_sample((mean, scale), Y[:5])
    for ours, m, s, y in zip(each, mean, scale, Y, strict=False):
        below = integrate.quad(lambda x, m=m, s=s: stats.norm.cdf(x, m, s) ** 2, -20, y)[0]
        above = integrate.quad(lambda x, m=m, s=s: stats.norm.sf(x, m, s) ** 2, y, 20)[0]
        assert ours == pytest.approx(below + above, rel=1e-6)
    same(losses.gaussian_crps((mean, np.log(scale)), Y[:5], log_scale=True), np.mean(each))


def test_ensemble_crps_is_its_integral():
    members = np.sort(RANDOM.normal(size=(6, 4)), axis=1)
    grid = np.linspace(-6, 6, 240_001)
    for row, y, ours in zip(
        members, Y, losses.ensemble_crps.per_sample(members, Y[:6]), strict=False
    ):
        steps = np.searchsorted(row, grid, side="right") / 4
        expected = np.sum((steps - (grid >= y)) ** 2) * (grid[1] - grid[0])
        assert ours == pytest.approx(expected, abs=2e-4)
    fair = losses.ensemble_crps.per_sample(members, Y[:6], fair=True)
    spread = np.abs(members[:, :, None] - members[:, None]).sum(axis=(1, 2)) / 2
    same(fair, np.abs(members - Y[:6, None]).mean(axis=1) - spread / 12)


@pytest.mark.parametrize("level", [0.2, 0.5, 0.9])
def test_the_minimum_of_the_expectile_loss_is_the_expectile(level):
    guesses = np.linspace(-2, 2, 4001)
    values = [losses.expectile(np.full(30, guess), Y, levels=level) for guess in guesses]
    assert guesses[np.argmin(values)] == pytest.approx(stats.expectile(Y, level), abs=2e-3)
    several = losses.expectile(np.stack([Y + 1, Y - 1], axis=1), Y, levels=[level, level])
    assert several == pytest.approx(0.5)


def test_linex():
    error = LOG_MEAN - Y
    same(
        losses.linex.per_sample(LOG_MEAN, Y, asymmetry=-0.5), np.exp(-0.5 * error) + 0.5 * error - 1
    )
    with pytest.raises(InvalidArgumentError, match="`asymmetry` is 0"):
        losses.linex(Y, Y, asymmetry=0)


def test_mape_and_msle():
    expected = 100 * metrics.mean_absolute_percentage_error(AMOUNTS, MEAN)
    same(losses.mape(MEAN, AMOUNTS), expected)
    same(losses.msle(MEAN, AMOUNTS), metrics.mean_squared_log_error(AMOUNTS, MEAN))


# -- survival and order ----------------------------------------------------------------------------

TIME = RANDOM.integers(1, 8, 30).astype(float)
EVENT = RANDOM.random(30) < 0.7
SURVIVAL = np.stack([TIME, EVENT], axis=1)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_cox(ties, weighted):
    weight = RANDOM.uniform(0.1, 2, 30) if weighted else np.ones(30)
    risk, total = weight * np.exp(Y), 0.0
    for time in np.unique(TIME[EVENT]):
        tied = (time == TIME) & EVENT
        count, at_risk = tied.sum(), risk[time <= TIME].sum()
        total -= np.sum(weight[tied] * Y[tied])
        for k in range(count):
            share = k / count * risk[tied].sum() if ties == "efron" else 0.0
            total += weight[tied].mean() * np.log(at_risk - share)
    ours = losses.cox(Y, SURVIVAL, weight if weighted else None, ties=ties)
    same(ours, total / weight[EVENT].sum())
    same(losses.cox(Y[:, None] + 300.0, SURVIVAL, weight, ties=ties), ours)
    assert losses.cox(Y, np.stack([TIME, np.zeros(30)], axis=1), ties=ties) == 0.0


def test_discrete_hazard():
    logits, interval = RANDOM.normal(size=(30, 5)), RANDOM.integers(0, 5, 30)
    hazard = special.expit(logits)
    expected = []
    for row, k, seen in zip(hazard, interval, EVENT, strict=True):
        survived = np.prod(1 - row[:k])
        expected.append(-np.log(survived * (row[k] if seen else 1 - row[k])))
    same(losses.discrete_hazard.per_sample(logits, np.stack([interval, EVENT], axis=1)), expected)
    with pytest.raises(ShapeError, match=r"a target \(n, 2\), the time"):
        losses.discrete_hazard(logits, interval)


def test_cumulative_logits():
    thresholds = np.array([-1.0, 0.2, 1.5])
    labels = RANDOM.integers(0, 4, 30)
    cut = np.concatenate([[-np.inf], thresholds, [np.inf]])
    p = special.expit(cut[labels + 1] - Y) - special.expit(cut[labels] - Y)
    for prediction in (Y, Y[:, None]):
        each = losses.cumulative_logits.per_sample(prediction, labels, thresholds=thresholds)
        same(each, -np.log(p))
    gaps = np.log(np.expm1(np.diff(thresholds)))
    free = np.column_stack([thresholds[0] - Y, np.tile(gaps, (30, 1))])
    same(losses.cumulative_logits.per_sample(free, labels), -np.log(p))
    two = losses.cumulative_logits(Y, labels % 2, thresholds=[0.3])
    same(two, losses.binary_cross_entropy(Y - 0.3, labels % 2))


def test_coral():
    logits, labels = RANDOM.normal(size=(30, 3)), RANDOM.integers(0, 4, 30)
    above = (labels[:, None] > np.arange(3)).astype(float)
    same(losses.coral(logits, labels), 3 * losses.binary_cross_entropy(logits, above))
