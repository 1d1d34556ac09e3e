"""The parts about what would be agreed: service level, contract terms, certificates. Pure.

Everything is a field of the plan's terms or of the register; nothing is promised in prose.
"""

from collections.abc import Iterator
from dataclasses import replace

from yuejie.contracts.terms import CommercialTerms, Renewal, TierDiscount
from yuejie.presales.proposal.layout import Block, Facts, Grid, Para, Part, Run, Runs, runs
from yuejie.presales.proposal.subject import Subject


def sla_part(subject: Subject) -> Part:
    """Print what is promised of the service and what is given back."""
    words, sla = subject.words, subject.plan.terms.sla
    if sla is None:
        return Part(words("sla"), (Para(runs(words("sla.none"))),))
    share = replace(_share(subject, sla.availability_ppm, "sla.availability"), strong=True)
    facts: list[tuple[str, Runs]] = [
        (words("sla.availability"), runs(share)),
        (words("sla.basis"), runs(words(f"sla.{sla.basis}"))),
    ]
    if sla.first_byte_ms is not None:
        limit = f"{sla.first_byte_ms:,}"
        said = words("sla.first.text").format(ms=limit)
        facts.append(
            (words("sla.first"), runs(subject.term(said, "sla.first_byte_ms", limit, "95")))
        )
    if sla.exclusions:
        names = words.joined(words(f"sla.excluded.{each}") for each in sla.exclusions)
        facts.append((words("sla.excluded"), runs(names)))
    cap = words.share(sla.cap_ppm)
    said = words("sla.cap.text").format(share=cap)
    facts.append((words("sla.cap"), runs(subject.term(said, "sla.cap", cap))))
    steps = tuple(
        (
            _share(subject, each.below_ppm, f"sla.steps.{at}.below"),
            _share(subject, each.credit_ppm, f"sla.steps.{at}.credit"),
        )
        for at, each in enumerate(sla.steps, 1)
    )
    blocks: list[Block] = [
        Facts(tuple(facts)),
        Grid(words.row("sla.heads"), steps, frozenset({0, 1})),
    ]
    if sla.latency_steps:
        late = tuple(
            (
                subject.term(
                    f"{each.above_ms:,} ms",
                    f"sla.latency_steps.{at}.above_ms",
                    f"{each.above_ms:,}",
                ),
                _share(subject, each.credit_ppm, f"sla.latency_steps.{at}.credit"),
            )
            for at, each in enumerate(sla.latency_steps, 1)
        )
        blocks.append(Grid(words.row("sla.late.heads"), late, frozenset({0, 1})))
    return Part(words("sla"), tuple(blocks))


def _share(subject: Subject, ppm: int, path: str) -> Run:
    """Print a share that a term agrees."""
    return subject.term(subject.words.share(ppm), path)


def terms_part(subject: Subject) -> Part:
    """Print what the contract would say, field by field."""
    words = subject.words
    title = Para(runs(Run(words("terms.plan").format(plan=subject.plan.name), strong=True)))
    return Part(words("terms"), (title, Facts(tuple(_terms(subject)))))


def _terms(subject: Subject) -> Iterator[tuple[str, Runs]]:
    words, terms = subject.words, subject.plan.terms
    yield words("term.type"), runs(words(f"type.{terms.type}"))
    yield words("term.class"), runs(words(f"class.{subject.body.proposal.credit_class}"))
    yield words("term.mode"), runs(words(f"mode.{terms.payment_mode}"))
    basis = words(f"basis.{terms.due_basis}")
    days = words("term.days.text").format(basis=basis, days=terms.payment_days)
    yield words("term.days"), runs(subject.term(days, "payment_days", str(terms.payment_days)))
    yield words("term.deposit"), runs(_deposit(subject))
    notice = (
        words("term.notice.text").format(days=terms.notice_days)
        if terms.notice_days
        else words("term.notice.now")
    )
    yield words("term.notice"), runs(subject.term(notice, "notice_days", str(terms.notice_days)))
    renewal = words(f"renewal.{terms.renewal}").format(months=terms.renewal_months)
    if terms.ends_on is not None or terms.renewal is not Renewal.NONE:
        months = str(terms.renewal_months)
        yield words("term.renewal"), runs(subject.term(renewal, "renewal_months", months))
    yield from _money_terms(subject, terms)
    basis_tax = subject.body.basis
    rate = words.share(basis_tax.tax_ppm)
    tax = words(f"tax.{basis_tax.tax_mode}").format(rate=rate)
    yield words("term.tax"), runs(subject.term(tax, "tax", rate))
    kind = words(f"fapiao.{terms.fapiao_kind}")
    said = words("term.fapiao.text").format(kind=kind, days=terms.fapiao_days)
    yield words("term.fapiao"), runs(subject.term(said, "fapiao_days", str(terms.fapiao_days)))
    review = words("term.review.text").format(days=terms.review_days)
    yield words("term.review"), runs(subject.term(review, "review_days", str(terms.review_days)))
    share, cap = words.share(terms.late_fee_ppm_per_day), words.share(terms.late_fee_cap_ppm)
    late = words("term.late.text").format(share=share, cap=cap)
    yield words("term.late"), runs(subject.term(late, "late_fee", share, cap))
    for label, text in sorted(terms.extra.items()):
        yield label, runs(subject.term(text, f"extra.{label}"))


def _money_terms(subject: Subject, terms: CommercialTerms) -> Iterator[tuple[str, Runs]]:
    words = subject.words
    amount = subject.money(terms.management_fee_fen)
    fee = words("term.fee.text").format(amount=amount)
    charged = subject.term(fee, "management_fee", amount)
    yield words("term.fee"), runs(charged if terms.management_fee_fen else words("term.none"))
    if terms.commitment is not None:
        amount = subject.money(terms.commitment.amount_fen)
        said = words(f"period.{terms.commitment.period}").format(amount=amount)
        yield words("term.commitment"), runs(subject.term(said, "commitment", amount))
    for at, each in enumerate(subject.plan.pricing.discounts, 1):
        share = words.share(each.ppm)
        said = words("term.discount.text").format(models=each.models, share=share)
        cites = (each.models, share) if any(map(str.isdigit, each.models)) else (share,)
        yield words("term.discount"), runs(subject.term(said, f"discount.{at}", *cites))
    if terms.tier_discount is not None:
        yield words("term.tiers"), runs(_tiers(subject, terms.tier_discount))
    broken = terms.break_fee
    if broken.fixed_fen or broken.remaining_commitment_ppm:
        share, fixed = words.share(broken.remaining_commitment_ppm), subject.money(broken.fixed_fen)
        said = words("term.break.text").format(share=share, fixed=fixed)
        yield words("term.break"), runs(subject.term(said, "break_fee", share, fixed))
    if terms.price_lock_until is not None:
        until = words("term.lock.text").format(day=terms.price_lock_until)
        day = str(terms.price_lock_until)
        yield words("term.lock"), runs(subject.term(until, "price_lock_until", day))
    if terms.price_notice_days:
        days = str(terms.price_notice_days)
        rise = words("term.notice.text").format(days=days)
        yield words("term.rise"), runs(subject.term(rise, "price_notice_days", days))


def _tiers(subject: Subject, tiers: TierDiscount) -> Run:
    words = subject.words
    pairs = [(subject.money(s.above_fen), words.share(s.discount_ppm)) for s in tiers.steps]
    said = [words("term.tiers.text").format(amount=a, share=share) for a, share in pairs]
    text = f"{words.joined(said)} · {words(f'tiers.{tiers.mode}')}"
    return subject.term(text, "tier_discount", *(each for pair in pairs for each in pair))


def _deposit(subject: Subject) -> Run:
    option = subject.option
    if not option.deposit_fen:
        return Run(subject.words("term.none"))
    name = f"{option.figure.removesuffix('total')}deposit"
    return subject.notes.money(option.deposit_fen, subject.currency, name)


def certificates_part(subject: Subject) -> Part | None:
    """Print the certificates that hold as long as the proposal does; none: no such part."""
    words = subject.words
    valid = [
        each
        for each in subject.certificates
        if each.holds(subject.dated, subject.quote.valid_until)
    ]
    if not valid:
        return None
    rows = tuple(
        tuple(
            subject.quoted(text, f"certificate.{each.certificate_id}", source)
            for text in (
                each.name,
                each.number,
                each.issuer,
                each.holder,
                str(each.expires_on),
            )
            for source in (f"certificate:{each.certificate_id}",)
        )
        for each in valid
    )
    return Part(
        words("certificates"),
        (Para(runs(words("certificates.note"))), Grid(words.row("certificates.heads"), rows)),
    )


def history_part(subject: Subject) -> Part:
    """Print which versions there were before this one."""
    words = subject.words
    rows = [
        _version(
            subject,
            each.proposal_id,
            str(each.version),
            f"{each.made_at:%Y-%m-%d}",
            each.made_by,
            each.quote_id,
            str(each.valid_until),
            each.pdf_sha256,
        )
        for each in subject.history
    ]
    this, until = words("history.this"), str(subject.quote.valid_until)
    own = (str(subject.version), str(subject.dated), "", subject.quote.quote_id, until, this)
    rows.append(_version(subject, subject.number, *own))
    return Part(words("history"), (Grid(words.row("history.heads"), tuple(rows)),))


def _version(subject: Subject, number: str, *texts: str) -> tuple[Run, ...]:
    """Print a version of the proposals, as the register has it."""
    name, source = f"proposal.{number}", f"proposal:{number}"
    return tuple(subject.quoted(text, name, source) for text in texts)
