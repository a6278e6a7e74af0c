"""What an English clause asks for, if anything."""

from __future__ import annotations

import re
from typing import Literal

from chatbot.request.clauses import Clause
from chatbot.request.lists import words_of
from chatbot.request.words import MARKS, QUOTED

Act = Literal["work", "review", "answer", "look", "none"]
"""``look`` asks for attention alone, as in "have a look"; ``none``: something is told."""

_FLAGS = re.IGNORECASE | re.ASCII
_WORK_VERBS = words_of(
    """
    fix repair correct resolve solve address patch hotfix change modify adjust adapt alter tweak
    add append insert introduce include extend expand support implement build create make write
    generate scaffold remove delete drop strip kill get_rid rip prune clean tidy refactor rewrite
    restructure reorganize reorganise simplify split extract inline merge move relocate rename
    replace swap switch convert migrate port upgrade update bump downgrade pin unpin install
    uninstall configure set unset enable disable turn hide expose wire hook wrap unwrap cache
    optimize optimise speed improve enhance polish harden secure sanitize sanitise escape validate
    handle catch retry log print redirect return rename translate localize localise format lint
    type annotate document deprecate restore revert undo rollback roll backport cherry-pick rebase
    bring put use apply adopt align sync deploy release publish ship test cover mock stub
    increase decrease raise lower reduce limit cap ensure guarantee allow prevent avoid stop block
    reject ignore skip filter sort order paginate render style center centre rework redo reuse
    unify consolidate deduplicate dedupe copy finish complete continue commit push open submit
    store save send keep throw scrap delay schedule group highlight truncate preserve
    automate integrate connect override parametrize parameterize pass rotate reset
    """
) | {"show"}
_VERB = "|".join(
    re.escape(verb).replace("_", r"\s+") for verb in sorted(_WORK_VERBS, key=len, reverse=True)
)
_ING = "|".join(
    f"{re.escape(verb[:-1] if verb.endswith('e') else verb)}{doubled}ing"
    for verb in sorted(_WORK_VERBS)
    if "_" not in verb
    for doubled in ("", f"{verb[-1]}?" if verb[-1] in "tpnbgdm" else "")[
        : 2 if verb[-1] in "tpnbgdm" else 1
    ]
)
_NO_VERB = (
    r"(?![\w'/.:-])(?!\s+(?:is|are|was|were|has|had|does|doesn't|did|didn't|fails?|failed|of|keeps?"
    r"|takes?|seems?|works?|won't|can't|cannot|isn't|should|times|runs?|still|breaks?|crashes)\b)"
)
_WORK = re.compile(rf"(?:{_VERB}|{_ING}){_NO_VERB}", _FLAGS)

_YOU = r"(?:you|u|ya|someone|somebody|anyone|anybody|we|the\s+(?:bot|agent)|threadsmith)"
_BEGINS = re.compile(
    rf"(?:{MARKS}+|\d+[.)]\s|@\w+|(?:please|pls|plz|kindly|hey|hi|hello|yo|ok|okay|also|first"
    rf"|next|finally"
    r"|lastly|now|just|simply|maybe|perhaps|again|thanks|thank\s+you|team|folks|all|guys|everyone"
    r"|there|quick\s+(?:question|one|ask)|question|task|todo|request|ask|urgent|asap|fyi|tl;?dr"
    r"|actually|instead|otherwise|afterwards?|ideally|if\s+(?:possible|not|so|yes|you\s+(?:can"
    r"|have\s+time))"
    r"|when\s+you\s+(?:have|get)\s+(?:time|a\s+(?:minute|moment|chance|sec))"
    r"|to|i(?:'m|\s+am)\s+(?:just\s+)?(?:curious|wondering)(?!\s+(?:if|whether)\s+(?:you|we"
    r"|someone|somebody)\s+c)"
    r"|let'?s|let\s+us|go\s+ahead\s+and|feel\s+free\s+to|try\s+(?:to|and)|remember\s+to"
    r"|be\s+sure\s+to"
    r"|help\s+(?:me|us|out)?(?:\s+(?:to|with))?)(?![\w'])"
    rf"|(?:can|could|would|will)\s+{_YOU}(?:\s+(?:please|pls|kindly|also|maybe|just|possibly"
    r"|quickly|be\s+(?:so\s+kind|able|willing)(?:\s+as)?(?:\s+(?:to|and))?"
    r"|(?:have\s+time|manage)\s+to))*(?![\w'])"
    rf"|(?:i(?:'m|\s+am|\s+was)?|we(?:'re|\s+were)?)\s+(?:just\s+)?wonder(?:ing)?\s+(?:if"
    rf"|whether)\s+{_YOU}"
    r"\s+(?:could|can|would)"
    rf"|(?:i|we)(?:'d|\s+would)?\s+(?:like|love|want"
    rf"|need)\s+(?:you\s+)?to\s+(?:have\s+)?(?![\w']*\w*know)"
    rf"|(?:we|you)\s+(?:should|must|have\s+to|ought\s+to|need\s+to)(?![\w'])"
    rf"|(?:would|do)\s+you\s+mind(?![\w'])|mind(?=\s+\w+ing\b)|any\s+chance\s+(?:{_YOU}\s+"
    rf"(?:can|could)|of)|(?:would"
    rf"|is|(?<=\s)it\s+is|^it\s+is)(?:\s+it)?\s+(?:be\s+)?possible\s+(?:for\s+you\s+)?to(?=\s+(?:{_VERB})\b)"
    r"|(?:it\s+)?would\s+be\s+(?:\w+\s+)?(?:great|nice|good|awesome|cool|lovely|helpful)\s+(?:if\s+"
    rf"{_YOU}\s+(?:could|can|would)|to)|(?:how|what)\s+about|why\s+(?:not|don'?t\s+(?:we|you))"
    rf"|(?:could|can|would|will)(?=\s+(?:please|also)\b))+",
    _FLAGS,
)
_REQUESTED = re.compile(
    rf"(?:can|could|would|will)\s+{_YOU}\b|\bplease\b|\bpls\b|\bplz\b|\blet'?s\b|\b(?:you|we)\s+"
    r"(?:should|must|have\s+to|need\s+to)\b|\bmind\b|\bchance\b|\bpossible\s+to\b|\babout\b"
    r"|\bwould\s+be\b|\bwonder(?:ing)?\s+(?:if|whether)\s+(?:you|we|some)\w*\s+c|\bwhy\s+(?:not"
    r"|don)",
    _FLAGS,
)
_WH = r"(?:why|how|where|what|which|who|whose|when|if|whether)"
_AUX = (
    r"(?:is|are|was|were|am|do|does|did|has|have|had|can|could|will|would|should|must|may|might"
    r"|isn'?t|aren'?t|wasn'?t|doesn'?t|don'?t|didn'?t|can'?t|won'?t|hasn'?t|haven'?t|shouldn'?t)"
)
_ANSWER = re.compile(
    r"(?:explain|describe|summari[sz]e|outline|clarify|elaborate|understand|know|learn|analy[sz]e"
    r"|diagnose|investigate|research|compare(?=\s+\w)|estimate|assess|evaluate"
    r"|enumerate|(?:list|trace|count)(?=\s+(?:all|the|every|each|any|our|my|which|what|where|how"
    r"|me|us|out|down)\b)"
    r"|tell\s+(?:me|us)|walk\s+(?:me|us)\s+through|remind\s+(?:me|us)|show\s+(?:me|us)"
    r"|point\s+(?:me|us)\s+(?:to|at)|teach\s+(?:me|us)|brief\s+(?:me|us)"
    r"|give\s+(?:me|us)\s+(?:\w+\s+){0,3}(?:overview|summary|explanation|rundown|list|idea"
    r"|estimate|breakdown|hint|reasons?|answer"
    r"|insight|context|background|details|info\w*|pointers?|tour|intro\w*|sense|picture"
    r"|comparison|opinion|thoughts|take|feedback)|(?:an?|short|quick"
    r"|brief)\s+(?:\w+\s+)?(?:overview|summary"
    r"|explanation)\s+of"
    r"|find\s+(?:me\s+)?(?:all|every|any|places|usages|the\s+(?:commit|place|code|file|function"
    r"|line|part|source"
    r"|culprit|spot|change|version)\w*)|find\s+out|figure\s+out|work\s+out|look\s+up|identify"
    r"|(?:find"
    r"|locate)\s+(?:the\s+)?(?:root\s+)?"
    r"(?:cause|reason|place|where|who|out)|debug\s+why"
    rf"|(?:check|see|look|look\s+(?:at|into)|dig\s+into|determine|confirm|verify|find|say"
    rf"|tell)\s+{_WH}"
    r"|answer|guess|suggest|propose|recommend|advise|think\s+(?:of|about)"
    r"|(?:write|prepare|put\s+together|send|draft|sketch|produce|do|make|create)\s+(?:me\s+|us\s+)?"
    r"(?:up\s+)?(?:an?\s+|the\s+|some\s+)?(?:\w+\s+)?(?:summary|overview|explanation|write-?up"
    r"|breakdown|comparison|outline|analysis|assessment|rundown|plan|proposal|list\s+of"
    r"|post-?mortem)"
    r"(?=\s*(?:of|about|on|how|why|what|which|for|$)))(?![\w-])",
    _FLAGS,
)
PROPOSED = re.compile(
    r"(?:propose|prepare|provide|come\s+up\s+with)\s+(?:an?\s+|the\s+)?(?:\w+\s+)?(?:fix|patch|PR"
    r"|pull\s+request)(?![\w-])|suggest\s+(?:an?\s+)?(?:patch|PR|pull\s+request)(?![\w-])",
    _FLAGS,
)
"""As work that is done, and looked at then."""
_THERE = re.compile(
    r"(?:explain|describe|summari[sz]e|list|show|document)\b.{0,80}?\b(?:in|into|to"
    r"|on)\s+(?:(?:an?|the"
    r"|our|its)\s+)?(?:[\w/.-]+\s+)?(?:readme|changelog|docs|documentation|docstrings?|page"
    r"|screen|view|dashboard"
    r"|sidebar|menu|footer|header|modal|panel|wiki)\b",
    _FLAGS,
)
_NOUN_FIRST = re.compile(
    r"(?:describe|explain|compare|summary|trace|estimate|research)\s+\w+\s+(?:returns|is|are"
    r"|fails|crashes|throws|shows|doesn't)\b",
    _FLAGS,
)
_ASKS = re.compile(
    rf"(?:what|how|why|where|which|who|whose|when)(?:'?s|'re|\s+(?:\S+\s+){{0,3}}?{_AUX}"
    rf"|\s+(?:exactly|in\s+the))"
    r"(?![\w-])|how\s+(?:come|many|much|long|often|to|far|exactly)\b|what\s+(?:kind|version|part"
    r"|happens"
    r"|happened|causes?|about|if|breaks|calls|uses|sets|else)\b|why\s+(?!not\b|don'?t\b)"
    r"|who\s+\w+s\b"
    r"|which\s+\w+",
    _FLAGS,
)
_TOLD_ASKING = re.compile(
    r"\b(?:(?:do(?:es)?\s+)?(?:anyone|anybody|someone|somebody)\s+knows?|do\s+you\s+(?:know"
    r"|remember)|(?:love|like|want|need|appreciate)\s+(?:an?|some)\s+(?:\w+\s+){0,2}(?:write-?up"
    r"|summary|overview|explanation"
    r"|rundown|walkthrough|estimate|answer|assessment|analysis|opinion)(?=\s*(?:of|on|about|how"
    r"|why|what|which|$))|(?:any|no)\s+(?:idea"
    r"|clue|thoughts)|(?:i|we)(?:'m|'re|\s+am"
    r"|\s+are)?\s+(?:\w+\s+)?(?:wonder(?:ing)?"
    r"|curious)|(?:i|we)(?:'m|'re|\s+am|\s+are|\s+do)?\s*(?:not|n't|don'?t"
    r"|can'?t)\s+(?:really\s+|quite\s+)?"
    rf"(?:sure|know|understand|get|see|tell|clear)\s+{_WH}|(?:want|like|love|need|good|trying"
    rf"|interested)(?:ed)?\s+"
    r"(?:to|in)\s+(?:know(?:ing)?|understand(?:ing)?|learn(?:ing)?|find(?:ing)?\s+out|figure\s+out)"
    rf"|let\s+(?:me|us)\s+know\s+(?:{_WH})(?!\s+(?:you|anything|it(?:'s|\s+is)\s+done|this|that"
    rf"|there|done|i|we)\b))\b",
    _FLAGS,
)
_REVIEW = re.compile(
    r"(?:(?:code[ -]?)?review(?:ing)?|audit|(?:security|code)\s+(?:review|audit)|critique|vet"
    r"|sanity[ -]?check"
    r"|double[ -]?check\s+(?:my|this|the)\s+(?:PR|diff|change\w*|code|patch)|go\s+over|look\s+over"
    r"|(?:do|give|run|perform|need|get|looking\s+for|want)\s+(?:me\s+|us\s+|this\s+"
    r"|it\s+)?(?:an?\s+)?(?:\w+\s+)?(?:code\s+"
    r"|security\s+)?(?:review|audit|once-over|feedback|second\s+pair\s+of\s+eyes)(?=\s*(?:of|on"
    r"|for|from|please|and|with|$))"
    r"|(?:do\s+|run\s+)?(?:an?\s+)?(?:quick\s+|full\s+)?(?:security|code|review)\s+(?:pass|check|scan"
    r"|sweep)\s+(?:over|on|of|through)"
    r"|any\s+(?:\w+\s+){0,2}(?:bugs|issues|problems|vulnerabilities|concerns|flaws)\s+(?:in"
    r"|with)|lgtm"
    r"|(?:find|look\s+for|search\s+for|hunt\s+for|spot)\s+(?:\w+\s+){0,2}(?:bugs|problems|issues"
    r"|vulnerabilities"
    r"|security\s+holes|flaws|smells)"
    r"|(?:tak(?:e|ing)\s+a\s+look|hav(?:e|ing)\s+a\s+look|look(?:ing)?|check(?:ing)?)\s+(?:at\s+|over\s+|through\s+)?(?:this\s+"
    r"|the\s+|my\s+)?"
    r"(?:PR|pull\s+request|MR|merge\s+request|diff|changes|patch)"
    r"|(?:check|scan|inspect|examine)\s+\S.{0,80}?\bfor\s+(?:\w+\s+){0,2}(?:bugs|problems|issues"
    r"|vulnerabilities"
    r"|security|flaws|races?|leaks?|mistakes|injection\w*|errors|secrets))(?![\w-])"
    r"|(?:check|see|look|tell\s+(?:me|us)|say)\s+(?:if|whether)\s.{0,60}\b(?:PR|pull\s+request"
    r"|MR|diff|patch|commits?)\b.{0,60}"
    r"\b(?:ok|okay|fine|good|safe|correct|sound|sane|ready|problems?|bugs?|issues?|wrong"
    r"|mistakes?)\b"
    r"|(?:tell|let)\s+(?:me|us)\s+(?:know\s+)?(?:if|whether)\s+(?:you\s+(?:see|find|spot|notice)"
    r"|there\s+(?:is|are))\s+.{0,40}"
    r"\b(?:problems?|issues?|bugs?|concerns?|mistakes?|wrong|vulnerabilit\w+|flaws?)\b"
    r"|(?:.{0,40}\b)?second\s+pair\s+of\s+eyes\b|(?:any\s+)?feedback\s+on\b"
    r"|(?:your\s+)?(?:thoughts|opinion)\s+on\b"
    r"(?=.{0,40}\b(?:PR|pull\s+request|diff|patch|MR)\b)",
    _FLAGS,
)
_NO_REVIEW = re.compile(
    r"(?:code\s+)?(?:review|audit)s?\s+(?:apps?|comments?|page|form|queue|screen|button|system"
    r"|feature|log|logs|trail"
    r"|table|is|are|was|fails|bot|status|counts?|scores?|stars|widget|section|list|request)\b",
    _FLAGS,
)
_LOOK = re.compile(
    r"(?:take|have|get)\s+(?:an?\s+)?(?:\w+\s+)?look|look|check|see|verify|confirm|debug|dig"
    r"|inspect|examine"
    r"|work\s+on|deal\s+with|take\s+care|do\b|handle",
    _FLAGS,
)
_PLAINLY = re.compile(
    rf"\b(?:please|pls|plz|let'?s|(?:can|could|would|will)\s+{_YOU}|{_YOU}\s+(?:can"
    rf"|could))\b\W*$",
    _FLAGS,
)
_VERB_LIKE = re.compile(
    r"(?!(?:the|a|an|this|that|these|those|it|its|there|my|our|your|their|his|her|i|we|you|they"
    r"|he|she|in|on|at|for|of|from|to"
    r"|with|by|as|is|are|was|were|not|no|don'?t|do\s+not|stop|if|when|only|because|so|but|and|or"
    r"|someone|somebody|guys|team|also"
    r"|help|believe|remember|imagine|reproduce|ping|say|use|wait|hold|see|look"
    r"|check)\b)[a-z][a-z-]+\s+\S",
    re.ASCII,
)
_HOW_TO = re.compile(
    r"\bhow\s+(?:to|(?:do|can|could|would|should)\s+\w+|\w+\s+(?:can|could|should|would))\b"
    r"|\bwhat\s+(?:happens|would|if)\b",
    _FLAGS,
)
_GO_AHEAD = re.compile(
    r"(?<!not )(?<!n't )(?<!nt )\b(?:do\s+(?:it|so)\b(?!\s+(?:yet|not))"
    r"|please\s+do\b(?!\s+(?:not|n't|you|we|the))|go\s+for\s+it|go\s+ahead)",
    _FLAGS,
)
_PRONOUN_OBJECT = re.compile(
    rf"(?!(?:{_AUX}|{_WH}|and|but|so|then|or|let|see|check|make|know|get|i|we|you|they|use|try"
    rf"|that|because|since|as|than|than|of|on|in|at"
    rf"|for|from|to|with|by|about|like|think|guess|hope|believe|find|say|saw|read|seems|looks"
    rf"|maybe|perhaps|unless|until|while|though|whenever"
    rf"|thought|said|made|found|now|today|here|there|also|did)\b)[a-z]+\s+(?:it"
    rf"|them)\b(?!\s+{_AUX}\b|\s+\w+s\b)",
    _FLAGS,
)
_OWN = re.compile(r"\b(?:i|we)\b", _FLAGS)
_BE_MADE = re.compile(
    r"(?:can|could)\s+.{1,60}?\bbe\s+made\b|(?:can|could)\s+(?:the|our)\s.{1,80}\b(?:as\s+well"
    r"|too|instead|by\s+default)$|(?:can|could)\s+we\s+(?:have|get)\b",
    _FLAGS,
)
_SUBORDINATE = re.compile(
    r"(?:when|whenever|if|once|after|before|while|since|because|as|until|unless|although|though"
    r"|that)\b",
    _FLAGS,
)


def english_acts(clauses: list[Clause]) -> list[Act]:
    """Of one sentence."""
    acts: list[Act] = []
    for clause in clauses:
        acts.append(_act(clause, acts, clauses))
    return acts


def _act(clause: Clause, before: list[Act], clauses: list[Clause]) -> Act:
    begun = _BEGINS.match(clause.said)
    lead, said = ("", clause.said) if begun is None else (begun[0], clause.said[begun.end() :])
    requested = _REQUESTED.search(lead) is not None
    if not said.strip():
        return "none"
    if _NO_REVIEW.match(said) is None and _REVIEW.match(said):
        return "review"
    if _NOUN_FIRST.match(said):
        return "none"
    if _THERE.match(said):
        return "work"
    if PROPOSED.match(said) and not clause.asked:
        return "work"
    if _ANSWER.match(said):
        return "answer"
    if _BE_MADE.match(clause.said) or (not clause.asked and _GO_AHEAD.search(clause.said)):
        return "work"
    if (
        not clause.asked
        and clause.joiner not in {"and", "or"}
        and not _OWN.search(lead)
        and _PRONOUN_OBJECT.match(said)
    ):
        return "work"
    if _WORK.match(said):
        if clause.joiner in {"and", "or"}:
            # One of several commands, or of several things that are told.
            chained = before[-1] != "none" if before else False
            if not requested and (not chained or (clause.asked and "answer" in before)):
                return "answer" if clause.asked and "answer" in before else "none"
            if not requested and "answer" in before and _HOW_TO.search(clauses[0].said):
                return "answer"
        return "work"
    if _ASKS.match(said) and (clause.asked or _is_plain_question(said)):
        return "answer"
    if _TOLD_ASKING.search(clause.said):
        return "answer"
    if _LOOK.match(said) and (requested or not clause.asked):
        return "look"
    if _PLAINLY.search(lead) and _VERB_LIKE.match(said):
        return "work"
    if (
        clause.asked
        and clause is clauses[-1]
        and not requested
        and not any(act in {"work", "look", "review"} for act in before)
    ):
        opens = clauses[0].said if len(clauses) > 1 else said
        return "none" if _SUBORDINATE.match(opens) and len(before) < 2 else "answer"
    return "none"


def _is_plain_question(said: str) -> bool:
    """Without its mark, as people type: the verb stands before what it is said of."""
    return (
        re.match(
            rf"(?:what|how|why|where|who)(?:'?s|\s+(?:{_AUX}|exactly|happens|happened|come|many"
            rf"|much|long|often|to|calls|uses|sets))\b"
            rf"|which\s+\w+.{{0,40}}?\b{_AUX}\b|why\s+\w+|what\s+(?:kind|version|part|test|tests"
            rf"|file|files)\b|when\s+(?:is|was|did|does|do)\b",
            said,
            _FLAGS,
        )
        is not None
        and QUOTED not in said[:1]
    )
