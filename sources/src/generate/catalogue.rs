//! What people of a role do all day: programs, commands, files and peers.

/// What a server is for. Its number stands in its address and its name.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum ServerKind {
    Directory = 0,
    Mail = 1,
    Files = 2,
    Git = 3,
    Build = 4,
    Database = 5,
    Web = 6,
    Cluster = 7,
    Backup = 8,
    Tickets = 9,
}

impl ServerKind {
    pub(super) const ALL: [Self; 10] = [
        Self::Directory,
        Self::Mail,
        Self::Files,
        Self::Git,
        Self::Build,
        Self::Database,
        Self::Web,
        Self::Cluster,
        Self::Backup,
        Self::Tickets,
    ];

    /// Its part of a host's name.
    pub(super) fn name(self) -> &'static str {
        ["directory", "mail", "files", "git", "build", "db", "web", "cluster", "backup", "tickets"][self as usize]
    }
}

/// A program: its name, its path, and arguments it is called with.
pub(super) struct Program {
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) arguments: &'static [&'static str],
}

const fn program(name: &'static str, path: &'static str, arguments: &'static [&'static str]) -> Program {
    Program { name, path, arguments }
}

/// The habits that people of one job share.
pub(super) struct Role {
    /// How many of a thousand people have it.
    pub(super) per_mille: u32,
    /// How often each shift occurs in it.
    pub(super) shifts: [u32; 6],
    /// How many of a hundred may use sudo.
    pub(super) sudoers_percent: u32,
    /// How many of a hundred work from outside.
    pub(super) remote_percent: u32,
    /// How many of a hundred sessions are on a server.
    pub(super) on_server_percent: u32,
    /// The mean number of activities between login and logout.
    pub(super) activities: f64,
    /// The mean seconds between two of them.
    pub(super) gap_secs: f64,
    /// How often a process starts, one ends, a connection is opened, sudo is called, a file changes.
    pub(super) mix: [u32; 5],
    pub(super) programs: &'static [Program],
    /// Commands run through sudo; earlier ones more often.
    pub(super) sudo: &'static [&'static str],
    /// Folders that change; `~` is the home folder.
    pub(super) folders: &'static [&'static str],
    pub(super) extensions: &'static [&'static str],
    pub(super) peers: &'static [(ServerKind, u16)],
    /// A job of the machines: no login, no shift, no mistakes at the keyboard.
    pub(super) service: bool,
}

use ServerKind::{Backup, Build, Cluster, Database, Directory, Files, Git, Mail, Tickets, Web};

/// All roles; a population's members say theirs by its place here.
pub(super) const ROLES: [Role; 6] = [
    // Office: mail, documents, the browser.
    Role {
        per_mille: 520,
        shifts: [25, 55, 15, 3, 2, 0],
        sudoers_percent: 0,
        remote_percent: 25,
        on_server_percent: 2,
        activities: 14.0,
        gap_secs: 260.0,
        mix: [300, 220, 300, 1, 180],
        programs: &[
            program("firefox", "/usr/lib/firefox/firefox", &["--new-tab", "-P default", ""]),
            program("thunderbird", "/usr/bin/thunderbird", &["", "-compose"]),
            program("soffice.bin", "/usr/lib/libreoffice/program/soffice.bin", &["--writer", "--calc", "--impress"]),
            program("evince", "/usr/bin/evince", &["report.pdf", "invoice.pdf", "minutes.pdf"]),
            program("nautilus", "/usr/bin/nautilus", &["", "--new-window"]),
            program("chat-desktop", "/opt/chat/chat-desktop", &["--startup"]),
            program("zoom", "/opt/zoom/zoom", &["", "--url=meeting"]),
        ],
        sudo: &["/usr/bin/apt update"],
        folders: &["~/Documents", "~/Downloads", "/srv/share/office"],
        extensions: &["docx", "xlsx", "pdf", "csv"],
        peers: &[(Mail, 993), (Files, 445), (Web, 443), (Tickets, 443), (Directory, 389)],
        service: false,
    },
    // Development: editors, compilers, version control.
    Role {
        per_mille: 230,
        shifts: [8, 42, 42, 5, 3, 0],
        sudoers_percent: 45,
        remote_percent: 40,
        on_server_percent: 25,
        activities: 26.0,
        gap_secs: 110.0,
        mix: [360, 300, 180, 12, 150],
        programs: &[
            program("git", "/usr/bin/git", &["pull --rebase", "push origin HEAD", "status", "log --oneline -20"]),
            program("cargo", "/usr/bin/cargo", &["build --release", "test", "clippy --all-targets"]),
            program("python3", "/usr/bin/python3", &["manage.py runserver", "-m pytest -q", "tools/check.py"]),
            program("code", "/usr/share/code/code", &[".", "--wait"]),
            program("docker", "/usr/bin/docker", &["compose up -d", "build -t app .", "ps"]),
            program("node", "/usr/bin/node", &["server.js", "build.mjs"]),
            program("make", "/usr/bin/make", &["-j8", "check", "install"]),
            program("ssh", "/usr/bin/ssh", &["srv-build-01.example.net", "-A srv-git-01.example.net"]),
        ],
        sudo: &[
            "/usr/bin/apt update",
            "/usr/bin/systemctl restart docker",
            "/usr/bin/apt install -y build-essential",
            "/usr/bin/docker system prune -f",
        ],
        folders: &["~/src", "~/src/app", "/srv/build/cache"],
        extensions: &["rs", "py", "ts", "toml", "md"],
        peers: &[(Git, 22), (Git, 443), (Build, 8080), (Cluster, 6443), (Database, 5432), (Tickets, 443)],
        service: false,
    },
    // Operations: many hosts, sudo all day, on call at night.
    Role {
        per_mille: 70,
        shifts: [20, 30, 20, 15, 15, 0],
        sudoers_percent: 100,
        remote_percent: 35,
        on_server_percent: 70,
        activities: 22.0,
        gap_secs: 80.0,
        mix: [280, 230, 170, 180, 110],
        programs: &[
            program("bash", "/usr/bin/bash", &["-l", "/opt/ops/rotate.sh"]),
            program("ansible-playbook", "/usr/bin/ansible-playbook", &["site.yml", "-l web patch.yml"]),
            program("journalctl", "/usr/bin/journalctl", &["-u nginx -n 200", "-p err -b"]),
            program("kubectl", "/usr/local/bin/kubectl", &["get pods -A", "rollout status deploy/web", "logs deploy/api"]),
            program("vim", "/usr/bin/vim", &["/etc/nginx/nginx.conf", "/etc/hosts"]),
            program("tcpdump", "/usr/bin/tcpdump", &["-ni eth0 port 53 -c 100"]),
            program("rsync", "/usr/bin/rsync", &["-a /etc/ /srv/backup/etc/"]),
        ],
        sudo: &[
            "/usr/bin/systemctl restart nginx",
            "/usr/bin/systemctl status postgresql",
            "/usr/bin/journalctl -xe",
            "/usr/bin/apt upgrade -y",
            "/usr/sbin/nft list ruleset",
            "/usr/bin/vim /etc/ssh/sshd_config",
            "/usr/sbin/reboot",
        ],
        folders: &["/etc/nginx/conf.d", "/opt/ops", "/var/lib/deploy"],
        extensions: &["conf", "yml", "service", "sh"],
        peers: &[(Web, 22), (Cluster, 6443), (Directory, 636), (Backup, 22), (Mail, 22), (Build, 22)],
        service: false,
    },
    // Data: queries and notebooks.
    Role {
        per_mille: 60,
        shifts: [10, 50, 35, 3, 2, 0],
        sudoers_percent: 15,
        remote_percent: 35,
        on_server_percent: 45,
        activities: 20.0,
        gap_secs: 190.0,
        mix: [280, 240, 300, 4, 170],
        programs: &[
            program("psql", "/usr/bin/psql", &["-d warehouse", "-d sales -f monthly.sql"]),
            program("python3", "/usr/bin/python3", &["-m jupyterlab", "train.py", "export.py --month"]),
            program("duckdb", "/usr/local/bin/duckdb", &["warehouse.duckdb"]),
            program("R", "/usr/lib/R/bin/R", &["--no-save", "-f forecast.R"]),
            program("pg_dump", "/usr/bin/pg_dump", &["-Fc sales"]),
            program("tableau", "/opt/tableau/tableau", &[""]),
        ],
        sudo: &["/usr/bin/systemctl restart postgresql", "/usr/bin/pip install -U pandas"],
        folders: &["~/notebooks", "/srv/warehouse/exports", "~/data"],
        extensions: &["parquet", "csv", "ipynb", "sql"],
        peers: &[(Database, 5432), (Database, 3306), (Files, 445), (Cluster, 443), (Web, 443)],
        service: false,
    },
    // Support: shifts round the clock, tickets, other people's machines.
    Role {
        per_mille: 90,
        shifts: [20, 20, 10, 28, 22, 0],
        sudoers_percent: 10,
        remote_percent: 15,
        on_server_percent: 15,
        activities: 18.0,
        gap_secs: 150.0,
        mix: [300, 250, 340, 5, 100],
        programs: &[
            program("firefox", "/usr/lib/firefox/firefox", &["tickets.example.net", ""]),
            program("remmina", "/usr/bin/remmina", &["-c profile"]),
            program("chat-desktop", "/opt/chat/chat-desktop", &["--startup"]),
            program("ping", "/usr/bin/ping", &["-c 4 srv-web-01.example.net", "-c 4 srv-mail-01.example.net"]),
            program("thunderbird", "/usr/bin/thunderbird", &[""]),
            program("ldapsearch", "/usr/bin/ldapsearch", &["-x uid=user"]),
        ],
        sudo: &["/usr/sbin/faillock --reset", "/usr/bin/systemctl restart cups"],
        folders: &["~/Documents/tickets", "/srv/share/support"],
        extensions: &["txt", "log", "pdf", "png"],
        peers: &[(Tickets, 443), (Directory, 389), (Mail, 993), (Files, 445), (Web, 443)],
        service: false,
    },
    // Services: backup, monitoring, deployment.
    Role {
        per_mille: 30,
        shifts: [0, 0, 0, 0, 0, 1],
        sudoers_percent: 40,
        remote_percent: 0,
        on_server_percent: 100,
        activities: 30.0,
        gap_secs: 20.0,
        mix: [250, 240, 320, 20, 170],
        programs: &[
            program("restic", "/usr/bin/restic", &["backup /srv", "forget --prune", "check"]),
            program("node_exporter", "/usr/local/bin/node_exporter", &["--web.listen-address=:9100"]),
            program(
                "check_http",
                "/usr/lib/nagios/plugins/check_http",
                &["-H srv-web-01.example.net", "-H srv-git-01.example.net"],
            ),
            program("deploy-agent", "/opt/deploy/deploy-agent", &["--apply", "--plan"]),
            program("logrotate", "/usr/sbin/logrotate", &["/etc/logrotate.conf"]),
            program("pg_dump", "/usr/bin/pg_dump", &["-Fc warehouse"]),
        ],
        sudo: &["/usr/bin/systemctl reload nginx", "/usr/sbin/logrotate /etc/logrotate.conf"],
        folders: &["/srv/backup/daily", "/var/log/archive", "/var/lib/deploy"],
        extensions: &["tar.zst", "log.gz", "json"],
        peers: &[(Backup, 22), (Web, 443), (Database, 5432), (Cluster, 9100), (Build, 9100), (Mail, 25)],
        service: true,
    },
];

/// What nobody runs through sudo in normal life.
pub(super) const RARE_SUDO: &[&str] = &[
    "/usr/bin/cat /etc/shadow",
    "/usr/sbin/useradd -o -u 0 -g 0 -M support2",
    "/usr/bin/nc -lvnp 4444 -e /bin/sh",
    "/usr/bin/chmod u+s /bin/bash",
    "/usr/sbin/insmod /tmp/.x/net.ko",
    "/usr/bin/dd if=/dev/sda of=/tmp/disk.img bs=4M",
    "/usr/bin/systemctl disable --now auditd",
    "/usr/bin/tar czf /tmp/.cache.tgz /etc /home",
    "/usr/bin/crontab -u root /tmp/.job",
    "/usr/sbin/iptables -F",
    "/usr/bin/strace -f -p 1 -o /tmp/t",
    "/usr/bin/python3 -c \"import pty; pty.spawn('/bin/sh')\"",
];

/// What calls home in a beacon: a name that looks at home, in a place that does not.
pub(super) const IMPLANTS: &[(&str, &str)] = &[
    ("kworker-u8", "/tmp/.cache/kworker-u8"),
    ("dbus-helper", "/var/tmp/dbus-helper"),
    ("updater", "/dev/shm/updater"),
    ("python3", "/usr/bin/python3"),
];

pub(super) const GIVEN_NAMES: [&str; 40] = [
    "ada", "amir", "anna", "ben", "carla", "chen", "clara", "daniel", "elif", "emma", "eva", "felix", "grace", "hana", "hugo",
    "ines", "ivan", "jan", "jonas", "julia", "karim", "lea", "leo", "lin", "lucia", "maria", "mateo", "mia", "nadia", "nina",
    "noah", "olga", "omar", "paul", "priya", "rosa", "sami", "sofia", "tomas", "yuki",
];

pub(super) const FAMILY_NAMES: [&str; 40] = [
    "abe", "adler", "almeida", "bauer", "berg", "brandt", "costa", "cruz", "diaz", "dubois", "ebert", "fischer", "garcia",
    "haas", "hansen", "ito", "jansen", "kaya", "keller", "kim", "kumar", "lang", "larsen", "lopez", "marino", "meyer", "moreau",
    "nagy", "novak", "okafor", "patel", "peters", "rossi", "sato", "silva", "singh", "tanaka", "vogel", "wang", "weber",
];

pub(super) const PROJECTS: [&str; 12] =
    ["atlas", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor", "iris", "juniper", "kestrel", "lumen"];

pub(super) const STEMS: [&str; 10] = ["main", "notes", "report", "draft", "config", "summary", "index", "model", "plan", "list"];
