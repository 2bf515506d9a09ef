"""What the optimizer moves: the picture's pixels, the waves that it is made of, or their phases alone.

A parameterization owns one float32 leaf tensor for a batch of pictures; row i depends on row i of the draws alone.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from engine.visualization.optimization.seeding import Draws, Purpose
from engine.visualization.spectrum import magnitude_at

# Square root of the colour covariance of natural images (Olah et al. 2017): turns independent channels into the
# correlated red, green and blue of photographs. Its largest column norm is scaled to one.
COLOUR_ROOT = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
COLOUR_ROOT = COLOUR_ROOT / COLOUR_ROOT.norm(dim=0).max()


class Parameterization(ABC):
    """A batch of pictures as something to optimize. `leaf` is the tensor to move, first dimension: pictures."""

    leaf: Tensor

    @abstractmethod
    def images(self) -> Tensor:
        """(pictures, 3, height, width) in [0, 1], with gradients to `leaf`."""

    @abstractmethod
    def begin(self, image: Tensor) -> None:
        """Let every picture of the batch begin as this image (3, H, W) in [0, 1], as nearly as it can."""

    def as_pixels(self) -> Pixels:
        """The same pictures as they are now, to be moved pixel by pixel from here on."""
        return Pixels(self.images())

    def after_step(self) -> None:  # noqa: B027 - most parameterizations need nothing here
        """Bring `leaf` back to where it is valid."""


class Pixels(Parameterization):
    """The paper's: pixels, clamped to [0, 1] after each step."""

    def __init__(self, images: Tensor):
        self.leaf = images.detach().clone(memory_format=torch.contiguous_format).requires_grad_()

    @classmethod
    def noise(cls, draws: Draws, size: tuple[int, int]) -> Pixels:
        """Uniform noise, the paper's beginning."""
        return cls(draws.uniform(Purpose.START, 0, (3, *size)))

    def images(self) -> Tensor:
        return self.leaf

    def begin(self, image: Tensor) -> None:
        with torch.no_grad():
            self.leaf.copy_(image.expand_as(self.leaf))

    def after_step(self) -> None:
        with torch.no_grad():
            self.leaf.clamp_(0, 1)


class Fourier(Parameterization):
    """Waves scaled by one over their frequency, colours decorrelated, squashed into [0, 1] (Olah et al. 2017)."""

    def __init__(self, draws: Draws, size: tuple[int, int], spread: float = 0.01):
        self.size, device = size, draws.device
        height, width = size
        vertical, horizontal = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None, :]
        frequency = (vertical.square() + horizontal.square()).sqrt()
        scale = 1 / frequency.clamp(min=1 / max(size))
        self.scale = scale[..., None].to(device)
        waves = draws.normal(Purpose.START, 0, (3, *frequency.shape, 2))
        self.leaf = (spread * waves).requires_grad_()
        self.root = COLOUR_ROOT.to(device)

    def images(self) -> Tensor:
        waves = torch.view_as_complex((self.leaf * self.scale).contiguous())
        # Divided by 4: the convention of the published code, so that its learning rates carry over.
        flat = torch.fft.irfft2(waves, s=self.size, norm="ortho") / 4
        return torch.sigmoid(torch.einsum("rc,nchw->nrhw", self.root, flat))

    def begin(self, image: Tensor) -> None:
        with torch.no_grad():
            flat = torch.einsum("cr,rhw->chw", torch.linalg.inv(self.root), _logit(image))
            waves = torch.view_as_real(torch.fft.rfft2(4 * flat, norm="ortho")) / self.scale
            self.leaf.copy_(waves.expand_as(self.leaf))


def _logit(image: Tensor) -> Tensor:
    """What the sigmoid makes the image of; black and white stay finite."""
    return torch.logit(image, eps=0.02)


class Maco(Parameterization):
    """Waves of fixed size, of which only the phases move (Fel et al. 2023): the spectrum stays that of real images.

    Phases and picture are standardized, each picture by itself, as in the authors' library.
    """

    def __init__(self, draws: Draws, size: tuple[int, int]):
        self.size, device = size, draws.device
        self.magnitude = magnitude_at(size).to(device)
        self.leaf = draws.normal(Purpose.START, 0, self.magnitude.shape).requires_grad_()
        self.root = COLOUR_ROOT.to(device)
        self.standard = True

    def begin(self, image: Tensor) -> None:
        """Takes the image's phases; the sizes of its waves, and so its contrasts, give way to the measured ones.

        Phases are no longer standardized then: they fill the whole circle, and scaling them would move every wave.
        """
        self.standard = False
        with torch.no_grad():
            flat = torch.einsum("cr,rhw->chw", torch.linalg.inv(self.root), _logit(image))
            self.leaf.copy_(torch.fft.rfft2(flat).angle().expand_as(self.leaf))

    def flat(self) -> Tensor:
        """(pictures, 3, H, W): the pictures before colours are mixed and values squashed; their spectrum is fixed."""
        phases = _standard(self.leaf) if self.standard else self.leaf
        return torch.fft.irfft2(torch.polar(self.magnitude.expand_as(phases), phases), s=self.size, norm="ortho")

    def images(self) -> Tensor:
        return torch.sigmoid(torch.einsum("rc,nchw->nrhw", self.root, _standard(self.flat())))


def _standard(values: Tensor) -> Tensor:
    """Each first-dimension entry with mean 0 and standard deviation 1."""
    rest = (1, 2, 3)
    return (values - values.mean(rest, keepdim=True)) / (values.std(rest, keepdim=True) + 1e-5)


def parameterize(name: str, draws: Draws, size: tuple[int, int]) -> Parameterization:
    """A batch of new pictures, one for each row of the draws."""
    return {"pixels": Pixels.noise, "fourier": Fourier, "maco": Maco}[name](draws, size)
