r"""Losses of pretraining: alignment of structure and composition embeddings, and properties.

Notation: a crystal structure :math:`s` of composition :math:`c(s)` has the structure embedding
:math:`h_s = f(s)`; a composition has the embedding distribution
:math:`q(c) = \mathcal N(\mu_c, \mathrm{diag}\,\sigma_c^2)`. Pretraining minimises

.. math:: L = L_\text{property}(g(h_s), y) + \lambda\, D(P(h_s), P(h_c))

(Na, npj Comput. Mater. 11, 2025, doi:10.1038/s41524-025-01723-1), and the alignments below
are the choices of :math:`D`:

``"wasserstein"``
    The paper: the distance of the marginal distributions, by its dual,
    :math:`D = \sup_{\|\phi\|_L \le 1} E_s\,\phi(h_s) -
    E_{c,\epsilon}\,\phi(\mu_c+\sigma_c\epsilon)`,
    with a critic :math:`\phi` held Lipschitz by the gradient penalty
    :math:`10\,E\,(\|\nabla\phi(h_c)\| - 1)^2` taken at the composition embeddings (Arjovsky et al.,
    arXiv:1701.07875; Gulrajani et al., arXiv:1704.00028).
``"joint"``
    The same with :math:`\phi(h, x_c)`, :math:`x_c` being the composition itself (its mean element
    features): the distance of the joint distributions of embedding and composition, which knows
    which embedding belongs to which composition.
``"paired"``
    Each composition against the embeddings of its own structures, polymorphs included: the
    negative log-likelihood
    :math:`D = E_s \sum_k \tfrac12 \left(\frac{h_{s,k}-\mu_{c,k}}{\sigma_{c,k}}\right)^2 +
    \log\sigma_{c,k}`, with :math:`h_s` held fixed and of unit variance. Its minimum over
    :math:`q` is the mean and the spread of the polymorphs' embeddings (Nix and Weigend, ICNN 1994,
    doi:10.1109/ICNN.1994.374138).
``"none"``
    :math:`D = 0`, property heads only: the ablation.
"""

import torch
from torch import Tensor, nn

ALIGNMENTS = ("paired", "joint", "wasserstein", "none")
ADVERSARIAL_ALIGNMENTS = ("wasserstein", "joint")
GRADIENT_PENALTY_WEIGHT = 10.0


class Critic(nn.Module):
    """Scalar potential of an embedding, of an embedding and a composition for ``"joint"``.

    Parameters
    ----------
    embedding_dim : int
    n_conditions : int, default=0
        Width of the description of the composition; 0 for the marginal distance.
    hidden_dim : int, default=64
    """

    def __init__(self, embedding_dim: int, n_conditions: int = 0, hidden_dim: int = 64):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(embedding_dim + n_conditions, hidden_dim),
            nn.PReLU(),
            nn.Linear(hidden_dim, 1),
        )

    def forward(self, embedding: Tensor, condition: Tensor | None = None) -> Tensor:
        """Value of the potential, shape (n_samples,)."""
        if condition is not None:
            embedding = torch.cat([embedding, condition], dim=1)
        return self.layers(embedding).squeeze(1)


def critic_loss(
    critic: Critic, structure: Tensor, composition: Tensor, condition: Tensor | None = None
) -> Tensor:
    """Loss that the critic minimises: minus the dual distance, plus the gradient penalty.

    Parameters
    ----------
    critic : Critic
    structure, composition : Tensor of shape (n_samples, embedding_dim)
        Embeddings; no gradient flows into them.
    condition : Tensor of shape (n_samples, n_conditions), optional
        Description of each composition, for ``"joint"``.

    Returns
    -------
    Tensor, scalar
    """
    composition = composition.detach().requires_grad_()
    potential = critic(composition, condition)
    (gradient,) = torch.autograd.grad(potential.sum(), composition, create_graph=True)
    penalty = ((gradient.norm(dim=1) - 1.0) ** 2).mean()
    distance = critic(structure.detach(), condition).mean() - potential.mean()
    return GRADIENT_PENALTY_WEIGHT * penalty - distance


def adversarial_loss(
    critic: Critic, composition: Tensor, condition: Tensor | None = None
) -> Tensor:
    """Part of the dual distance that the composition encoder can lower."""
    return -critic(composition, condition).mean()


def paired_loss(structure: Tensor, mean: Tensor, spread: Tensor) -> Tensor:
    """Negative log-likelihood of the structure embeddings under their compositions' Gaussians.

    Parameters
    ----------
    structure : Tensor of shape (n_samples, embedding_dim)
        Structure embeddings; no gradient flows into them.
    mean, spread : Tensor of shape (n_samples, embedding_dim)
        Mean and standard deviation of the composition's embedding.

    Returns
    -------
    Tensor, scalar
        Mean over samples and dimensions, without the constant.

    Examples
    --------
    >>> import torch
    >>> from cromel_sklearn.nn.losses import paired_loss
    >>> at_mean = torch.zeros(1, 2)
    >>> paired_loss(at_mean, at_mean, torch.ones(1, 2)).item()
    0.0
    """
    deviation = (structure.detach() - mean) / spread
    return (0.5 * deviation**2 + torch.log(spread)).mean()


def masked_huber_loss(predicted: Tensor, target: Tensor, delta: float) -> Tensor:
    r"""Huber loss of properties with missing values, averaged over those present, then over all.

    Of an error :math:`e`: :math:`e^2 / 2\delta` up to :math:`|e| = \delta`, then
    :math:`|e| - \delta / 2` (Huber, Ann. Math. Statist. 35, 73 (1964),
    doi:10.1214/aoms/1177703732); :math:`e^2` for infinite :math:`\delta`.

    Parameters
    ----------
    predicted : Tensor of shape (n_samples, n_properties)
        Standardised.
    target : Tensor of shape (n_samples, n_properties)
        Likewise, NaN where missing.
    delta : float
        Error from which the loss grows linearly.

    Returns
    -------
    Tensor, scalar
        A property without any value counts as 0.

    Examples
    --------
    >>> import torch
    >>> from cromel_sklearn.nn.losses import masked_huber_loss
    >>> target = torch.tensor([[0.0], [torch.nan]])
    >>> masked_huber_loss(torch.ones(2, 1), target, delta=1.0).item()
    0.5
    """
    present = ~torch.isnan(target)
    error = torch.where(present, predicted - torch.nan_to_num(target), 0.0)
    if delta == float("inf"):
        loss = error**2
    else:
        zero = torch.zeros_like(error)
        loss = nn.functional.smooth_l1_loss(error, zero, reduction="none", beta=delta)
    return (loss.sum(0) / present.sum(0).clamp_min(1)).mean()


def decorrelation_loss(standardised: Tensor) -> Tensor:
    """Penalty that keeps an embedding from collapsing onto few directions.

    Sum of the squared off-diagonal elements of the covariance of an embedding with unit variances,
    over its width (Bardes, Ponce, LeCun, VICReg, arXiv:2105.04906).

    Parameters
    ----------
    standardised : Tensor of shape (n_samples, embedding_dim)

    Returns
    -------
    Tensor, scalar
    """
    n_samples, embedding_dim = standardised.shape
    covariance = standardised.T @ standardised / n_samples
    off_diagonal = covariance - torch.diag(torch.diag(covariance))
    return (off_diagonal**2).sum() / embedding_dim


def effective_rank(embedding: Tensor) -> float:
    """Effective rank: the exponential of the entropy of the normalised singular values.

    Roy and Vetterli, EUSIPCO 2007, doi:10.5281/zenodo.40406.

    Parameters
    ----------
    embedding : Tensor of shape (n_samples, embedding_dim)
        Centered before the singular values are taken.

    Returns
    -------
    float
        Between 1 and the width of the embedding; 0 where all rows are equal.

    Examples
    --------
    >>> import torch
    >>> from cromel_sklearn.nn.losses import effective_rank
    >>> corners = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> round(effective_rank(corners), 3)
    2.0
    """
    singular_values = torch.linalg.svdvals((embedding - embedding.mean(0)).double())
    if not singular_values.sum() > 0:
        return 0.0
    shares = singular_values / singular_values.sum()
    return float(torch.exp(-(shares * torch.log(shares.clamp_min(1e-300))).sum()))
