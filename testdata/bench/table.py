#!/usr/bin/env python3
"""table.py [results.jsonl]: a Markdown table of the medians of each cell, moonwire beside the bare limit of the same run."""
import collections, json, os, statistics, sys

NAMES = {
    'cps': 'answer + BYE, ms a call', 'ivrvars': '100 loops of two call variables, ms a call',
    'ivrmenu': 'five passes of a menu, ms a call', 'lua1M': 'a loop of a million additions, ms a call',
    'play300': 'playing, 300 calls, ms a call-second', 'play600': 'playing, 600 calls, ms a call-second',
    'echo300': 'echo, 300 calls, ms a call-second', 'bridge100': 'bridge, 100 calls, ms a call-second',
    'bridge100core': 'bridge through the core, 100 calls, ms a call-second',
    'ulaw-alaw100': 'bridge µ-law to A-law, 100 calls, ms a call-second',
    'ulaw-g722100': 'bridge µ-law to G.722, 100 calls, ms a call-second',
    'mem': 'memory of a held call, KB', 'idle': 'doing nothing, ms a second', 'cpsmax': 'calls a second without a failure',
}
COST = ('max_cps_zero_fail', 'idle_cpu_ms_per_s', 'cpu_ms_per_call', 'cpu_ms_per_call_s')

def cost(cell, run):
    if cell == 'mem': return run['kb_per_call']
    return next((run[k] for k in COST if k in run), None)

def worst(runs, key):
    """the median over runs of the worse side, '' where none measured it"""
    values = []
    for run in runs:
        sides = [s[key] for s in (run.get('rtp') or {}).values() if s and s.get(key, -1) >= 0]
        if sides: values.append(max(sides))
    return f'{statistics.median(values):.2f}' if values else ''

def latency(runs, key):
    return worst(runs, key) if any(s.get('lat_n') for r in runs for s in (r.get('rtp') or {}).values()) else ''

def others(run):
    """how much of the machine other programs used meanwhile, in percent"""
    if 'other_pct' in run: return run['other_pct']
    if 'other_cpu_s' in run: return 100 * run['other_cpu_s'] / run['wall'] / os.cpu_count()
    return 0

path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), 'out', 'results.jsonl')
cells, tried = collections.OrderedDict(), []
for line in open(path):
    run = json.loads(line)
    if not run['label'].startswith('cmp:'): continue
    _, cell, peer = run['label'].split(':')
    # cpsmax writes each rate it tries, and at the end what it found
    if cell == 'cpsmax' and 'max_cps_zero_fail' not in run:
        tried.append(run['rate'])
        continue
    cells.setdefault(cell, {}).setdefault(peer, []).append(run)

NOISY = 12  # percent of the machine
invalid = []
print('| | moonwire | bare limit | ratio | lost % | pacing error p99, ms | latency p50 / p99, ms | failed | others % |')
print('|---|---|---|---|---|---|---|---|---|')
for cell, peers in cells.items():
    own, bare = peers.get('moonwire'), peers.get('bare')
    if not own: continue
    name, broken = NAMES.get(cell, cell), sum(r.get('server_errors', 0) for r in own)
    disturbed = max(0, *(others(r) for r in own + (bare or [])))
    if broken:
        invalid.append(f'{name}: not a figure, as the server logged {broken} errors')
        print(f'| {name} | failed | | | | | | {broken} | {disturbed:.0f} |')
        continue
    mine = statistics.median(cost(cell, r) for r in own)
    limit = statistics.median(cost(cell, r) for r in bare) if bare else None
    p50, p99 = latency(own, 'lat_p50_ms'), latency(own, 'lat_p99_ms')
    value = f'{mine:.0f}' if mine >= 100 else f'{mine:.3g}'
    if cell == 'cpsmax' and tried and mine >= max(tried): value = '≥ ' + value
    print(f"| {name} | {value} | {'' if limit is None else f'{limit:.3g}'} | {'' if not limit else f'{mine / limit:.1f}'} | "
          f"{worst(own, 'loss_pct')} | {worst(own, 'dev_p99_ms')} | {p50 + ' / ' + p99 if p50 else ''} | "
          f"{sum(r.get('failed', 0) for r in own)} | {disturbed:.0f}{' (!)' if disturbed > NOISY else ''} |")

runs = [r for peers in cells.values() for rs in peers.values() for r in rs]
if runs:
    alu, net = (sorted(r['calib0'][i] for r in runs) for i in (0, 1))
    rounds = max(len(r) for p in cells.values() for r in p.values())
    print(f'\nMedian of {rounds} round{"s" if rounds > 1 else ""}. "Others" is what other programs used of the machine in the worst run of a row; '
          f'a row marked (!) should be measured again. Fixed work took {alu[0]:.0f} to {alu[-1]:.0f} ms (arithmetic) and '
          f'{net[0]:.0f} to {net[-1]:.0f} ms (20,000 packets over loopback).')
for line in invalid: print(f'\n{line}.')
