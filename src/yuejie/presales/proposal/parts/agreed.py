"""The parts about what would be agreed: service level, contract terms, certificates. Pure.

Everything is a field of the plan's terms or of the register; nothing is promised in prose.
"""

from collections.abc import Iterator

from yuejie.contracts.terms import CommercialTerms, Renewal
from yuejie.presales.proposal.layout import Block, Facts, Grid, Para, Part, Run, Runs, runs
from yuejie.presales.proposal.subject import Subject


def sla_part(subject: Subject) -> Part:
    """Print what is promised of the service and what is given back."""
    words, sla = subject.words, subject.plan.terms.sla
    if sla is None:
        return Part(words("sla"), (Para(runs(words("sla.none"))),))
    facts: list[tuple[str, Runs]] = [
        (words("sla.availability"), runs(Run(words.share(sla.availability_ppm), strong=True))),
        (words("sla.basis"), runs(words(f"sla.{sla.basis}"))),
    ]
    if sla.first_byte_ms is not None:
        said = words("sla.first.text").format(ms=f"{sla.first_byte_ms:,}")
        facts.append((words("sla.first"), runs(said)))
    if sla.exclusions:
        names = words.joined(words(f"sla.excluded.{each}") for each in sla.exclusions)
        facts.append((words("sla.excluded"), runs(names)))
    facts.append(
        (words("sla.cap"), runs(words("sla.cap.text").format(share=words.share(sla.cap_ppm))))
    )
    steps = tuple(
        (Run(words.share(each.below_ppm)), Run(words.share(each.credit_ppm))) for each in sla.steps
    )
    blocks: list[Block] = [
        Facts(tuple(facts)),
        Grid(words.row("sla.heads"), steps, frozenset({0, 1})),
    ]
    if sla.latency_steps:
        late = tuple(
            (Run(f"{each.above_ms:,} ms"), Run(words.share(each.credit_ppm)))
            for each in sla.latency_steps
        )
        blocks.append(Grid(words.row("sla.late.heads"), late, frozenset({0, 1})))
    return Part(words("sla"), tuple(blocks))


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
    yield words("term.days"), runs(days)
    yield words("term.deposit"), runs(_amount(subject, subject.option.deposit_fen))
    notice = (
        words("term.notice.text").format(days=terms.notice_days)
        if terms.notice_days
        else words("term.notice.now")
    )
    yield words("term.notice"), runs(notice)
    renewal = words(f"renewal.{terms.renewal}").format(months=terms.renewal_months)
    if terms.ends_on is not None or terms.renewal is not Renewal.NONE:
        yield words("term.renewal"), runs(renewal)
    yield from _money_terms(subject, terms)
    basis_tax = subject.body.basis
    tax = words(f"tax.{basis_tax.tax_mode}").format(rate=words.share(basis_tax.tax_ppm))
    yield words("term.tax"), runs(tax)
    kind = words(f"fapiao.{terms.fapiao_kind}")
    said = words("term.fapiao.text").format(kind=kind, days=terms.fapiao_days)
    yield words("term.fapiao"), runs(said)
    yield words("term.review"), runs(words("term.review.text").format(days=terms.review_days))
    late = words("term.late.text").format(
        share=words.share(terms.late_fee_ppm_per_day), cap=words.share(terms.late_fee_cap_ppm)
    )
    yield words("term.late"), runs(late)
    for label, text in sorted(terms.extra.items()):
        yield label, runs(text)


def _money_terms(subject: Subject, terms: CommercialTerms) -> Iterator[tuple[str, Runs]]:
    words = subject.words
    fee = words("term.fee.text").format(amount=subject.money(terms.management_fee_fen))
    yield words("term.fee"), runs(fee if terms.management_fee_fen else words("term.none"))
    if terms.commitment is not None:
        amount = subject.money(terms.commitment.amount_fen)
        said = words(f"period.{terms.commitment.period}").format(amount=amount)
        yield words("term.commitment"), runs(said)
    for each in subject.plan.pricing.discounts:
        said = words("term.discount.text").format(models=each.models, share=words.share(each.ppm))
        yield words("term.discount"), runs(said)
    tiers = terms.tier_discount
    if tiers is not None:
        steps = [
            words("term.tiers.text").format(
                amount=subject.money(step.above_fen), share=words.share(step.discount_ppm)
            )
            for step in tiers.steps
        ]
        how = words(f"tiers.{tiers.mode}")
        yield words("term.tiers"), runs(f"{words.joined(steps)} · {how}")
    broken = terms.break_fee
    if broken.fixed_fen or broken.remaining_commitment_ppm:
        said = words("term.break.text").format(
            share=words.share(broken.remaining_commitment_ppm),
            fixed=subject.money(broken.fixed_fen),
        )
        yield words("term.break"), runs(said)
    if terms.price_lock_until is not None:
        yield words("term.lock"), runs(words("term.lock.text").format(day=terms.price_lock_until))
    if terms.price_notice_days:
        rise = words("term.notice.text").format(days=terms.price_notice_days)
        yield words("term.rise"), runs(rise)


def _amount(subject: Subject, fen: int) -> str:
    return subject.money(fen) if fen else subject.words("term.none")


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
        (
            Run(each.name),
            Run(each.number),
            Run(each.issuer),
            Run(each.holder),
            Run(str(each.expires_on)),
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
        (
            Run(str(each.version)),
            Run(f"{each.made_at:%Y-%m-%d}"),
            Run(each.made_by),
            Run(each.quote_id),
            Run(str(each.valid_until)),
            Run(each.pdf_sha256),
        )
        for each in subject.history
    ]
    this = words("history.this")
    until = str(subject.quote.valid_until)
    own = (str(subject.version), str(subject.dated), "", subject.quote.quote_id, until, this)
    rows.append(tuple(Run(each) for each in own))  # type: ignore[arg-type]  # why: six of six
    return Part(words("history"), (Grid(words.row("history.heads"), tuple(rows)),))
