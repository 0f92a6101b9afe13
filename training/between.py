"""Two networks between channels: each channel is expected from all others, never from itself. torch only.

A network that sees a channel follows it wherever it goes; one that sees only the others says where it should be.
Both take normalised windows (batch, window, channels). Several of one kind, each fitted without another part of the
nominal time, make a model: it gives the window as expected and one score a channel, how far the mean of the newest
samples lies outside everything that they expect of it, in scales. Averaging before taking the size lets noise cancel
and an offset stand. Where the others are as none of the networks met them, these disagree, and less is odd.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

NEWEST = 8
"""Samples that a score looks at, and the stride between windows."""
LEARNT = 2
"""Of them, those that a step of the fit of a ``MaskedVae`` looks at."""
SEEN = 6.0
"""Scales beyond which values are clipped: nothing further out was met in training."""
Shaped = tuple[int, int]


class Between(Protocol):
    """What the two have in common."""

    shape: Shaped

    def learn(self, window: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Residuals (batch, n, channels) of newest samples of clipped windows, and what to add to the loss."""

    def expected(self, window: Tensor) -> Tensor:
        """The newest part of clipped windows as the other channels have it, (batch, NEWEST, channels)."""


def seen_part(window: Tensor) -> Tensor:
    """Normalised values as the networks see them."""
    return window.clamp(-SEEN, SEEN)


def outside(residuals: Tensor) -> Tensor:
    """(batch, channels) how far zero lies outside of the range of mean ``residuals`` (networks, batch, channels)."""
    return residuals.amin(dim=0).clamp(min=0.0) - residuals.amax(dim=0).clamp(max=0.0)


class MaskedVae(nn.Module):
    """A variational autoencoder a channel, whose encoder sees the other channels only.

    What they are at the same moment and what they did before (each through ``summaries`` learned averages of its
    window) passes through ``latent`` numbers; the exported path takes their mean. The price of the bottleneck is what
    makes it leave out channels that say nothing of this one.
    """

    def __init__(self, shape: Shaped, wide: int = 24, latent: int = 12, summaries: int = 4) -> None:
        super().__init__()
        window, n = shape
        self.summary = nn.Parameter(torch.randn(n, window, summaries) / window**0.5)
        self.now = nn.Parameter(torch.randn(n, n, wide) / n**0.5)
        self.past = nn.Parameter(torch.randn(n, n, summaries * wide) * (0.5 / (n * summaries) ** 0.5))
        self.first_bias = nn.Parameter(torch.randn(n, 1, wide) * 0.5)
        self.to_mean = nn.Parameter(torch.randn(n, wide, latent) / wide**0.5)
        self.to_variance = nn.Parameter(torch.zeros(n, wide, latent))
        self.to_variance_bias = nn.Parameter(torch.full((n, 1, latent), -4.0))
        self.decode = nn.Parameter(torch.randn(n, latent, wide) / latent**0.5)
        self.decode_bias = nn.Parameter(torch.randn(n, 1, wide) * 0.3)
        self.out = nn.Parameter(torch.randn(n, wide, 1) * (0.3 / wide**0.5))
        self.out_bias = nn.Parameter(torch.zeros(n, 1, 1))
        self.register_buffer("others", 1.0 - torch.eye(n)[:, :, None], persistent=False)
        self.shape, self.wide, self.summaries = shape, wide, summaries
        self.divergence = 1e-3

    def _hidden(self, window: Tensor, newest: Tensor) -> Tensor:
        """(channels, batch x k, wide) of clipped windows, at ``newest`` (batch, k, channels) samples of them."""
        n = self.shape[1]
        others = self.get_buffer("others")
        summed = torch.einsum("bwc,cwk->bck", window, self.summary).reshape(-1, n * self.summaries)
        past = summed @ (self.past * others).reshape(n, n * self.summaries, self.wide)
        now = newest.reshape(-1, n) @ (self.now * others)
        both = now.reshape(n, -1, newest.shape[1], self.wide) + past[:, :, None] + self.first_bias[:, None]
        return functional.gelu(both).reshape(n, -1, self.wide)

    def _decoded(self, latent: Tensor, count: int) -> Tensor:
        hidden = functional.gelu(latent @ self.decode + self.decode_bias)
        expected = hidden @ self.out + self.out_bias
        return expected.reshape(self.shape[1], -1, count).permute(1, 2, 0)

    def learn(self, window: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """See ``Between``; the latent is drawn, and its divergence from a unit normal is weighed in.

        A few samples of each window are enough to learn from: neighbours say nearly the same.
        """
        chosen = torch.randint(-NEWEST, 0, (LEARNT,), generator=generator, device=window.device)
        newest = window[:, chosen + self.shape[0]]
        hidden = self._hidden(window, newest)
        mean = hidden @ self.to_mean
        log_variance = (hidden @ self.to_variance + self.to_variance_bias).clamp(-12.0, 6.0)
        drawn = torch.randn(mean.shape, generator=generator, device=mean.device)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(dim=-1).mean()
        expected = self._decoded(mean + drawn * torch.exp(0.5 * log_variance), LEARNT)
        return newest - expected, self.divergence * divergence

    def expected(self, window: Tensor) -> Tensor:
        """See ``Between``."""
        return self._decoded(self._hidden(window, window[:, -NEWEST:]) @ self.to_mean, NEWEST)


class CrossTransformer(nn.Module):
    """Channels are tokens (after iTransformer, 2310.06625); a question a channel attends to the tokens of the others.

    A token knows its own channel alone, and a question never meets the token of the channel it asks for, in no
    layer: what is expected of a channel owes nothing to it.
    """

    def __init__(self, shape: Shaped, width: int = 32, heads: int = 4, depth: int = 2) -> None:
        super().__init__()
        window, n = shape
        self.shape, self.heads, self.size = shape, heads, width // heads
        self.embed = nn.Linear(window, 2 * width)
        self.token = nn.Linear(2 * width, width)
        self.name = nn.Parameter(torch.randn(n, 2 * width) * 0.5)
        self.question = nn.Parameter(torch.randn(n, width) * 0.2)
        self.key_value = nn.ModuleList(nn.Linear(width, 2 * width) for _ in range(depth))
        self.query = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.mix = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.mlp = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
            for _ in range(depth)
        )
        self.before = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.head = nn.Parameter(torch.randn(n, width, NEWEST) * (0.3 / width**0.5))
        self.register_buffer("itself", torch.eye(n) * -1e4, persistent=False)

    def _split(self, tensor: Tensor) -> Tensor:
        return tensor.reshape(-1, self.shape[1], self.heads, self.size).transpose(1, 2)

    def expected(self, window: Tensor) -> Tensor:
        """See ``Between``."""
        tokens = self.token(functional.gelu(self.embed(window.transpose(1, 2)) + self.name))
        asked = self.question.expand(window.shape[0], -1, -1)
        for key_value, query, mix, mlp, before in zip(
            self.key_value, self.query, self.mix, self.mlp, self.before, strict=True
        ):
            key, value = key_value(tokens).chunk(2, dim=-1)
            weight = self._split(query(before(asked))) @ self._split(key).transpose(-1, -2) * self.size**-0.5
            share = torch.softmax(weight + self.get_buffer("itself"), dim=-1)
            mixed = (share @ self._split(value)).transpose(1, 2).reshape(asked.shape)
            asked = asked + mix(mixed)
            asked = asked + mlp(asked)
        expected: Tensor = torch.einsum("bcw,cwo->boc", asked, self.head)
        return expected

    def learn(self, window: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """See ``Between``."""
        return window[:, -NEWEST:] - self.expected(window), window.new_zeros(())


class Council(nn.Module):
    """Networks of one kind and shape, asked together: what is exported."""

    def __init__(self, members: Sequence[MaskedVae | CrossTransformer]) -> None:
        super().__init__()
        self.members: Iterable[MaskedVae | CrossTransformer] = nn.ModuleList(members)  # type: ignore[assignment]

    def forward(self, window: Tensor) -> tuple[Tensor, Tensor]:
        """The clipped windows with their newest part as expected, in the mean; and scores (batch, channels)."""
        seen = seen_part(window)
        expected = torch.stack([member.expected(seen) for member in self.members])
        residuals = (seen[:, -NEWEST:] - expected).mean(dim=2)
        return torch.cat([seen[:, :-NEWEST], expected.mean(dim=0)], dim=1), outside(residuals)


KINDS: dict[str, type[MaskedVae] | type[CrossTransformer]] = {"vae": MaskedVae, "transformer": CrossTransformer}
"""The networks, by the name that the operator gives."""
