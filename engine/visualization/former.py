"""What stood in the keys of versions 4 and 5 of pictures: with it a page finds a former result, and says what has changed."""

from __future__ import annotations

YARDSTICK = (
    '{"name":"yardstick","summary":"The paper\'s own recipe in its clean form: 400 steps on 8 augmented copies of a picture made '
    'of pixels.","source":"Ghiasi, Kazemi et al. 2022, section 3; learning rate, noise schedule and total variation as in the '
    'authors\' code.","parameterization":"pixels","steps":400,"copies":16,"rate":0.1,"betas":[0.5,0.99],"total_variation":0.004,'
    '"colour_shift":"scale-then-shift","colour_range":0.2,"noise":"none","noise_start":0.5,"jitter":32,"jitter_shared":false,'
    '"leak":0.0,"leak_until":0.3} 8'
)
RECIPES = {
    "paper": (
        '{"name":"paper","summary":"The paper\'s own recipe in its clean form: 400 steps on 8 augmented '
        'copies of a picture made of pixels.","source":"Ghiasi, Kazemi et al. 2022, section 3; learning rate,'
        ' noise schedule and total variation as in the authors\' code.","parameterization":"pixels",'
        '"steps":400,"copies":8,"rate":0.1,"betas":[0.5,0.99],"total_variation":0.004,'
        '"colour_shift":"scale-then-shift","colour_range":1.0,"noise":"pixel","noise_start":0.5,"jitter":32,'
        '"jitter_shared":false,"leak":0.0,"leak_until":0.3}'
    ),
    "paper-code": (
        '{"name":"paper-code","summary":"The paper as its authors\' code computes it: shift before scale, '
        'noise constant over each channel, one jitter for all copies.",'
        '"source":"hamidkazemi22/vit-visualization, a36922a.","parameterization":"pixels","steps":400,'
        '"copies":8,"rate":0.1,"betas":[0.5,0.99],"total_variation":0.004,"colour_shift":"shift-then-scale",'
        '"colour_range":1.0,"noise":"channel","noise_start":0.5,"jitter":32,"jitter_shared":true,"leak":0.0,'
        '"leak_until":0.3}'
    ),
}
"""Those whose settings were others."""
