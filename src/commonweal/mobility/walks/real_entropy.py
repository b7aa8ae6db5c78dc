"""Real entropy: how much of a walk could not have been foreseen, estimated from how it repeats itself.

Over the places l(1) … l(n) of a walk in order of time, with Λ(i) the length of the shortest run of places from i on
that does not stand anywhere within l(1) … l(i − 1)::

    S = n log₂ n / Σ Λ(i)      bits;  0 if n = 1

Where all that is left from i on, but its last place, stands there already, Λ(i) = n − i + 2: the end counts as a place
that was never seen. This is `real_entropy` of scikit-mobility to the letter. It is an estimate: of a short walk it may
exceed the uncorrelated entropy, which the entropy itself never does.

Λ is found in time linear in n with a suffix automaton, which grows by a place at a time and knows every run of places
so far. So no walk is cut short.

Source: I. Kontoyiannis et al., *Nonparametric Entropy Estimation for Stationary Processes and Random Fields* (1998);
C. Song et al., *Limits of Predictability in Human Mobility* (2010), who take one place an hour. For the automaton,
A. Blumer et al., *The Smallest Automaton Recognizing the Subwords of a Text* (1985).
"""

from __future__ import annotations

import numpy as np

from commonweal.core.kernels import kernel


@kernel()
def _found(state: int, symbol: int, from_root: np.ndarray, head: np.ndarray, edge: np.ndarray) -> int:
    """Which edge leaves a state by a symbol; the root's are found at once. -1 if none does."""
    if state == 0:
        return from_root[symbol]
    e = head[state]
    while e >= 0 and edge[e, 0] != symbol:
        e = edge[e, 2]
    return e


@kernel()
def _entropy(
    walk: np.ndarray,
    length: np.ndarray,
    link: np.ndarray,
    head: np.ndarray,
    edge: np.ndarray,
    from_root: np.ndarray,
) -> float:
    """S of places that are numbered from 0; the rest is memory to work in.

    State s of the automaton stands for runs of at most length[s] places, its edges begin at head[s]: (symbol, target,
    next edge).
    """
    n = len(walk)
    if n == 1:
        return 0.0
    length[0], link[0], head[0] = 0, -1, -1
    states, edges, last = 1, 0, 0
    total = 1
    at, matched = 0, 0  # the state of walk[i : i + matched]
    for i in range(1, n):
        # The automaton takes in walk[i - 1].
        symbol = walk[i - 1]
        new = states
        states += 1
        length[new], head[new], link[new] = length[last] + 1, -1, 0
        p = last
        met = -1
        while p >= 0:
            met = _found(p, symbol, from_root, head, edge)
            if met >= 0:
                break
            edge[edges, 0], edge[edges, 1], edge[edges, 2] = symbol, new, head[p]
            head[p] = edges
            if p == 0:
                from_root[symbol] = edges
            edges += 1
            p = link[p]
        if p >= 0:
            q = edge[met, 1]
            if length[p] + 1 == length[q]:
                link[new] = q
            else:
                copy = states
                states += 1
                length[copy], link[copy], head[copy] = length[p] + 1, link[q], -1
                e = head[q]
                while e >= 0:
                    edge[edges, 0], edge[edges, 1], edge[edges, 2] = edge[e, 0], edge[e, 1], head[copy]
                    head[copy] = edges
                    edges += 1
                    e = edge[e, 2]
                while p >= 0:
                    e = _found(p, symbol, from_root, head, edge)
                    if e < 0 or edge[e, 1] != q:
                        break
                    edge[e, 1] = copy
                    p = link[p]
                link[q] = link[new] = copy
                if at == q and matched <= length[copy]:
                    at = copy
        last = new
        # What was matched from i - 1 on is matched from i on but for its first place; then as far as it goes.
        if matched:
            matched -= 1
            if matched <= length[link[at]]:
                at = link[at]
        while i + matched < n - 1:
            e = _found(at, walk[i + matched], from_root, head, edge)
            if e < 0:
                break
            at = edge[e, 1]
            matched += 1
        total += matched + (2 if i + matched == n - 1 else 1)
    return n * np.log2(n) / total


@kernel()
def real_entropies(group: np.ndarray, place: np.ndarray, places: int) -> np.ndarray:
    """S of each group's walk, bits; NaN of one without a located event.

    Parameters
    ----------
    group, place
        As for `walk`.
    places
        How many places there are.

    Examples
    --------
    Λ of 0 1 0 1 0 is 1, 1, 4, 3, 2: from the third place on, all but the last stands there before.

    >>> real_entropies(np.zeros(5, np.int32), np.array([0, 1, 0, 1, 0], np.int32), 2).round(4)  # 5 log₂ 5 / 11
    array([1.0554])
    """
    groups = group[-1] + 1 if len(group) else 0
    found = np.full(groups, np.nan)
    own, visited = np.full(places, -1, np.int32), np.empty(places, np.int32)
    walk = np.empty(len(group), np.int32)
    room = 0
    length, link, head = np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int32)
    edge = np.empty((0, 3), np.int32)
    from_root = np.full(places, -1, np.int32)
    start = 0
    while start < len(group):
        end, n, size = start, 0, 0
        while end < len(group) and group[end] == group[start]:
            p = place[end]
            if p >= 0:
                if own[p] < 0:
                    own[p], visited[size], from_root[size] = size, p, -1
                    size += 1
                walk[n] = own[p]
                n += 1
            end += 1
        if n:
            if n > room:
                room = 2 * n
                length, link = np.empty(2 * room + 2, np.int32), np.empty(2 * room + 2, np.int32)
                head, edge = np.empty(2 * room + 2, np.int32), np.empty((3 * room + 4, 3), np.int32)
            found[group[start]] = _entropy(walk[:n], length, link, head, edge, from_root)
        for i in range(size):
            own[visited[i]] = -1
        start = end
    return found
