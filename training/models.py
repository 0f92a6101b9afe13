"""The two reference networks: universal, one channel at a time, a window in and a score out. torch modules.

Both take ``window`` (batch, W) float32, already normalised by the channel's commissioning ((x - location) / scale),
and give ``reconstruction`` (batch, W) in the same units and ``score`` (batch,): the mean absolute residual of the
newest 8 samples.

The networks see values clipped to +-2, about the commissioning range: beyond it they were taught nothing, and one
that extrapolates would follow a drifting level as if it were nominal. What lies beyond is added to the residual as
``ln(1 + excess)``: a level outside is remarkable at once, yet a pulse channel, whose scale comes from its quiet time
and that reaches a hundred scales every day, does not drown in itself, and an infinity stays a number. NaN is never
given.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.nominal import SEEN

NEWEST = 8
"""Samples that a score looks at, and the stride between windows."""
LARGEST = 1e6


def seen_part(window: Tensor) -> Tensor:
    """Scaled values as the networks see them."""
    return window.clamp(-SEEN, SEEN)


def score_of(window: Tensor, expected: Tensor) -> Tensor:
    """(batch,) mean over the newest samples of the residual inside the clip and the logarithm of what is beyond.

    ``window`` is scaled and not clipped; ``expected`` is the network's.
    """
    newest = window[:, -NEWEST:]
    residual = (seen_part(newest) - expected[:, -NEWEST:]).abs()
    excess = (newest.abs().clamp(max=LARGEST) - SEEN).clamp(min=0.0)
    return (residual + torch.log(1.0 + excess)).mean(dim=1)


class Vae(nn.Module):
    """A variational autoencoder of 64 samples through 24 numbers; the exported path takes the mean, no sampling."""

    window = 64

    def __init__(self, wide: int = 256, narrow: int = 128, latent: int = 24) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(self.window, wide), nn.GELU(), nn.Linear(wide, narrow), nn.GELU())
        self.mean = nn.Linear(narrow, latent)
        self.log_variance = nn.Linear(narrow, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, narrow), nn.GELU(), nn.Linear(narrow, wide), nn.GELU(), nn.Linear(wide, self.window)
        )

    def learn(self, seen: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """A sampled reconstruction (batch, 64) and the divergence from a unit normal (batch,), for training.

        Both windows are clipped.
        """
        hidden = self.encoder(seen)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden).clamp(-12.0, 6.0)
        noise = torch.randn(mean.shape, generator=generator)
        decoded: Tensor = self.decoder(mean + noise * torch.exp(0.5 * log_variance))
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1.0 - log_variance).sum(dim=1)
        return decoded, divergence

    def forward(self, window: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstruction (batch, 64) and score (batch,), the same for the same window every time."""
        reconstruction = self.decoder(self.mean(self.encoder(seen_part(window))))
        return reconstruction, score_of(window, reconstruction)


class _Block(nn.Module):
    """Attention over patches, then a small network a patch; normalised before each (as in GPT-2)."""

    def __init__(self, width: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.before_attention, self.before_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query_key_value, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, width))

    def forward(self, tokens: Tensor) -> Tensor:
        _, count, width = tokens.shape
        split = self.query_key_value(self.before_attention(tokens))
        split = split.reshape(-1, count, 3, self.heads, self.size).permute(2, 0, 3, 1, 4)
        query, key, value = split[0], split[1], split[2]
        share = torch.softmax(query @ key.transpose(-1, -2) * self.size**-0.5, dim=-1)
        tokens = tokens + self.out((share @ value).transpose(1, 2).reshape(-1, count, width))
        mixed: Tensor = tokens + self.mlp(self.before_mlp(tokens))
        return mixed


class PatchTransformer(nn.Module):
    """Forecasts the newest 8 samples from the 128 before them, cut into 16 patches (after PatchTST, 2211.14730).

    ``reconstruction`` is the history as it was seen, then the forecast: one window of 136 gives one causal score.
    The forecast is what to add to the last value that was seen, so that a new level is no surprise for long.
    """

    window = 136
    patches = 16

    def __init__(self, width: int = 32, heads: int = 4, inner: int = 64, depth: int = 2) -> None:
        super().__init__()
        self.embed = nn.Linear(NEWEST, width)
        self.position = nn.Parameter(torch.randn(self.patches, width) * 0.02)
        self.blocks = nn.ModuleList(_Block(width, heads, inner) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, NEWEST)

    def forecast(self, history: Tensor) -> Tensor:
        """The next 8 values (batch, 8) after ``history`` (batch, 128), both clipped."""
        tokens = self.embed(history.reshape(-1, self.patches, NEWEST)) + self.position
        for block in self.blocks:
            tokens = block(tokens)
        ahead: Tensor = history[:, -1:] + self.head(self.norm(tokens[:, -1]))
        return ahead

    def forward(self, window: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstruction (batch, 136) and score (batch,)."""
        history = seen_part(window[:, :-NEWEST])
        forecast = self.forecast(history)
        return torch.cat([history, forecast], dim=1), score_of(window, forecast)
