"""What stands in for the return of a new policy on the samples of an old one: the clip, and how far the two are apart.

One copy for CartPole and for language models: a step of CartPole is a completion of one token, T = 1.
"""

from rlbook._checks import check_number, require, shown

torch = require("torch", extra="deep")

from rlbook._torch import check_same_shape  # noqa: E402 (after the check that torch is there)


def clipped_surrogate(logp, old_logp, advantages, *, clip=0.2):
    """The smaller of rho * A and clip(rho, 1 - clip, 1 + clip) * A for each token: (B, T).

    logp, old_logp (B, T), and rho = exp(logp - old_logp); advantages (B,), one for all tokens of a
    completion, or (B, T). Its gradient is that of rho * A, but 0 where earlier steps have taken
    rho beyond the range in the direction that A asks for. Source: Schulman et al. (2017), eq. 7.
    """
    clip = check_number("clip", clip, least=0)
    check_same_shape("(B, T)", logp=logp, old_logp=old_logp)
    check_advantages(advantages, logp.shape[:1], logp.shape)
    advantages = advantages[:, None] if advantages.ndim == 1 else advantages
    ratio = (logp - old_logp).exp()
    return torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)


def clip_higher(logp, old_logp, advantages, *, clip=0.2, higher=0.28):
    """The surrogate of `clipped_surrogate` with more room above than below: (B, T).

    The range is 1 - clip to 1 + higher, so that a rare token that turned out well may become more than a fifth likelier
    before it is left alone. Source: Yu et al. (2025), "DAPO", eq. 10.
    """
    clip, higher = check_number("clip", clip, least=0), check_number("higher", higher, least=0)
    check_same_shape("(B, T)", logp=logp, old_logp=old_logp)
    check_advantages(advantages, logp.shape[:1], logp.shape)
    advantages = advantages[:, None] if advantages.ndim == 1 else advantages
    ratio = (logp - old_logp).exp()
    return torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + higher) * advantages)


def sequence_surrogate(logp, old_logp, advantages, mask, *, clip=3e-4, higher=4e-4):
    """The clipped surrogate with one ratio for all tokens of a completion, the geometric mean of theirs: (B, T).

    mask (B, T) bool, the completion's own tokens; advantages (B,). Such a mean moves far less than the ratio of a token,
    and so the range is narrower by orders of magnitude. Source: Zheng et al. (2025), "GSPO", eq. 5 and 7.
    """
    clip, higher = check_number("clip", clip, least=0), check_number("higher", higher, least=0)
    check_same_shape("(B, T)", logp=logp, old_logp=old_logp, mask=mask)
    check_advantages(advantages, logp.shape[:1])
    advantages = advantages[:, None]
    log_ratio = ((logp - old_logp) * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True).clamp(min=1)
    ratio = log_ratio.exp().expand_as(logp)
    return torch.minimum(ratio * advantages, ratio.clamp(1 - clip, 1 + higher) * advantages)


def weighted_logp(logp, old_logp, advantages, *, most=5.0):
    """rho * log pi * A of each token, with rho a constant of at most `most`: (B, T), the surrogate of CISPO.

    Its gradient is rho * A * grad log pi, as that of the surrogate without a clip; a ratio that has gone far loses weight
    and never its gradient. Source: MiniMax (2025), "MiniMax-M1", eq. 4 and 5, without a lower bound, as it is used there.
    """
    most = check_number("most", most, above=0)
    check_same_shape("(B, T)", logp=logp, old_logp=old_logp)
    check_advantages(advantages, logp.shape[:1], logp.shape)
    advantages = advantages[:, None] if advantages.ndim == 1 else advantages
    ratio = (logp - old_logp).exp()
    return ratio.clamp(max=most).detach() * logp * advantages


def k1(logp, reference_logp):
    """-log r, with r = pi_ref / pi of each token: log pi - log pi_ref.

    Where pi drew the token, an estimate of KL(pi || pi_ref) that is right on average, and often negative.
    Source: Schulman (2020), "Approximating KL divergence".
    """
    check_same_shape("", logp=logp, reference_logp=reference_logp)
    return logp - reference_logp


def k2(logp, reference_logp):
    """(log r) ** 2 / 2, with r = pi_ref / pi of each token.

    Where pi drew the token, an estimate of KL(pi || pi_ref) that is never negative, and right on average only to second
    order in how far the two are apart. Source: Schulman (2020), "Approximating KL divergence".
    """
    check_same_shape("", logp=logp, reference_logp=reference_logp)
    return (logp - reference_logp) ** 2 / 2


def k3(logp, reference_logp):
    """r - 1 - log r, with r = pi_ref / pi of each token.

    Where pi drew the token, an estimate of KL(pi || pi_ref) that is right on average and never
    negative. Source: Schulman (2020), "Approximating KL divergence".
    """
    check_same_shape("", logp=logp, reference_logp=reference_logp)
    log_ratio = reference_logp - logp
    return torch.expm1(log_ratio) - log_ratio


def check_advantages(advantages, *shapes):
    if not isinstance(advantages, torch.Tensor):
        raise TypeError(f"advantages is {shown(advantages)}, expected a torch.Tensor")
    if advantages.shape not in shapes:
        expected = " or ".join(str(tuple(shape)) for shape in shapes)
        raise ValueError(
            f"advantages has shape {tuple(advantages.shape)}, expected {expected}: one for each sample or token"
        )
