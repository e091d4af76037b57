#compdef xdpctl
# zsh completion for xdpctl; made by 'xdpctl completion zsh'.

# What the daemon knows, from the socket that the command line names.
_xdpctl_names() {
  local -a names ask=(xdpctl)
  [[ -n $xdpctl_socket ]] && ask+=(--socket ${(Q)xdpctl_socket})
  # _arguments puts options for compadd in front.
  names=(${(f)"$($ask complete-names ${@[-1]} 2>/dev/null)"})
  compadd "${@[1,-2]}" -a names
}

_xdpctl() {
  local state line curcontext="$curcontext"
  typeset -A opt_args
  local -a commands=(
      'status:what is forwarded, and what is not as wanted and why'
      'guest:guests\: which frames go to which tap'
      'fdb:the forwarding table\: (VLAN, MAC) to tap'
      'port:taps that frames go to'
      'stats:counters of members and taps'
      'plan:what a reload would change'
      'tune:the knobs of NICs, taps and host, as \[tuning\] wants them'
      'napi:how the NICs'\'' queues are polled'
      'doctor:what of this host is good and bad for forwarding, and what to do about it'
      'reload:read the configuration again and apply it, all or nothing'
      'detach:stop forwarding on members'
      'explain:what a key of the configuration, a counter or a state means'
      'version:versions of xdpctl and of the daemon'
      'completion:print a completion script'
  )
  _arguments -C \
      '-h[show this help]' \
      '--help[show this help]' \
      '--version[show the version of xdpctl]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      '1:command:->command' \
      '*::argument:->argument' && return 0
  case $state in
  command) _describe command commands ;;
  argument)
    case $line[1] in
    status) _xdpctl_status ;;
    guest) _xdpctl_guest ;;
    fdb) _xdpctl_fdb ;;
    port) _xdpctl_port ;;
    stats) _xdpctl_stats ;;
    plan) _xdpctl_plan ;;
    tune) _xdpctl_tune ;;
    napi) _xdpctl_napi ;;
    doctor) _xdpctl_doctor ;;
    reload) _xdpctl_reload ;;
    detach) _xdpctl_detach ;;
    explain) _xdpctl_explain ;;
    version) _xdpctl_version ;;
    completion) _xdpctl_completion ;;
    esac
    ;;
  esac
}

_xdpctl_status() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--check[exit with status 4 when something is not as wanted]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_guest() {
  local state line curcontext="$curcontext"
  typeset -A opt_args
  local -a commands=(
      'add:add a guest, and keep it for the next start'
      'del:delete a guest that '\''guest add'\'' added'
      'list:all guests, and the states of their taps'
  )
  _arguments -C \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      '1:command:->command' \
      '*::argument:->argument' && return 0
  case $state in
  command) _describe command commands ;;
  argument)
    case $line[1] in
    add) _xdpctl_guest_add ;;
    del) _xdpctl_guest_del ;;
    list) _xdpctl_guest_list ;;
    esac
    ;;
  esac
}

_xdpctl_guest_add() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--tap=[tap that its frames go to; it need not exist yet]:TAP:_net_interfaces' \
      '*--mac=[its MAC address; may be given several times, or several with '\'','\'']:MAC: ' \
      '*--vlan=[its VLAN, 1 to 4094 or '\''untagged'\''; may be given several times, or several with '\'','\'']:VLAN:(untagged)' \
      '--trunk[the guest gets its frames with their VLAN tags]' \
      '--tpid=[kind of VLAN tag\: 802.1q (the default) or 802.1ad]:TPID:(802.1q 802.1ad)' \
      '--profile=[how its queue'\''s interrupts are moderated; otherwise as tuning.profile]:PROFILE:(inherit none latency balanced throughput)' \
      '--cpu=[the CPU that is to serve its queue; otherwise chosen]:CPU: ' \
      '--ephemeral[forget the guest when xdpfwd ends]' \
      '--dry-run[only say whether the guest could be added]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      ':NAME: ' \
      && return 0
}

_xdpctl_guest_del() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      ':NAME:_xdpctl_names guests' \
      && return 0
}

_xdpctl_guest_list() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_fdb() {
  local state line curcontext="$curcontext"
  typeset -A opt_args
  local -a commands=(
      'list:all rows'
      'lookup:where frames to one VLAN and MAC go'
  )
  _arguments -C \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      '1:command:->command' \
      '*::argument:->argument' && return 0
  case $state in
  command) _describe command commands ;;
  argument)
    case $line[1] in
    list) _xdpctl_fdb_list ;;
    lookup) _xdpctl_fdb_lookup ;;
    esac
    ;;
  esac
}

_xdpctl_fdb_list() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_fdb_lookup() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--tpid=[kind of VLAN tag\: 802.1q (the default) or 802.1ad]:TPID:(802.1q 802.1ad)' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      ':VID:(untagged)' \
      ':MAC: ' \
      && return 0
}

_xdpctl_port() {
  local state line curcontext="$curcontext"
  typeset -A opt_args
  local -a commands=(
      'list:all taps\: their states and counters'
  )
  _arguments -C \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      '1:command:->command' \
      '*::argument:->argument' && return 0
  case $state in
  command) _describe command commands ;;
  argument)
    case $line[1] in
    list) _xdpctl_port_list ;;
    esac
    ;;
  esac
}

_xdpctl_port_list() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_stats() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--watch[show them again each second, or so often, with rates]::SECONDS: ' \
      '--count=[end after so many rounds of --watch]:N: ' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_plan() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_tune() {
  local state line curcontext="$curcontext"
  typeset -A opt_args
  local -a commands=(
      'plan:what '\''tune apply'\'' would change, and why'
      'apply:change it, and keep it so, over restarts'
      'revert:put back what was there before, unless somebody changed it since'
      'verify:whether it is set, and has its effect; status 4 when not'
      'suggest:what to set, from a trial; nothing is kept changed'
      'status:what is not as it was before xdpfwd'
  )
  _arguments -C \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      '1:command:->command' \
      '*::argument:->argument' && return 0
  case $state in
  command) _describe command commands ;;
  argument)
    case $line[1] in
    plan) _xdpctl_tune_plan ;;
    apply) _xdpctl_tune_apply ;;
    revert) _xdpctl_tune_revert ;;
    verify) _xdpctl_tune_verify ;;
    suggest) _xdpctl_tune_suggest ;;
    status) _xdpctl_tune_status ;;
    esac
    ;;
  esac
}

_xdpctl_tune_plan() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_tune_apply() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--dry-run[only say what would be changed]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_tune_revert() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_tune_verify() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--seconds=[how long to watch, 1 to 60; otherwise 5]:N: ' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_tune_suggest() {
  local state line curcontext="$curcontext"
  typeset -A opt_args
  local -a commands=(
      'tx-coalesce:the best tx-usecs under the present load'
  )
  _arguments -C \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      '1:command:->command' \
      '*::argument:->argument' && return 0
  case $state in
  command) _describe command commands ;;
  argument)
    case $line[1] in
    tx-coalesce) _xdpctl_tune_suggest_tx-coalesce ;;
    esac
    ;;
  esac
}

_xdpctl_tune_suggest_tx-coalesce() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--seconds=[how long to watch, 1 to 60; otherwise 3]:N: ' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      ':MEMBER:_xdpctl_names members' \
      && return 0
}

_xdpctl_tune_status() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_napi() {
  local state line curcontext="$curcontext"
  typeset -A opt_args
  local -a commands=(
      'histogram:polls of each queue, by how many packets each took'
      'pack:what mode auto would make of a load\: a simulation, without a daemon'
      'record:the load of each NAPI instance in mode auto, for '\''pack --simulate'\'''
      'set:another mode, until the next reload or start'
      'status:who runs each NAPI instance, where, and how much'
  )
  _arguments -C \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      '1:command:->command' \
      '*::argument:->argument' && return 0
  case $state in
  command) _describe command commands ;;
  argument)
    case $line[1] in
    histogram) _xdpctl_napi_histogram ;;
    pack) _xdpctl_napi_pack ;;
    record) _xdpctl_napi_record ;;
    set) _xdpctl_napi_set ;;
    status) _xdpctl_napi_status ;;
    esac
    ;;
  esac
}

_xdpctl_napi_histogram() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--seconds=[how long to watch, 1 to 60; otherwise 5]:N: ' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_napi_pack() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--simulate=[the load\: steady, diurnal, flash-crowd, elephant, on-off, oscillation, or a file of lines time_ms,napi,frames_per_s\[,cost_ns\]]:TRACE:_files' \
      '--queues=[NAPI instances]:UINT\:INT in \[1 - 4096\]: ' \
      '--cpus=[of the host]:UINT\:INT in \[1 - 4096\]: ' \
      '--guests=[of a load that is not a file]:UINT\:INT in \[1 - 100000\]: ' \
      '--load=[percent of the CPUs that one CPU a queue would take]:FLOAT\:FLOAT in \[0.1 - 100\]: ' \
      '--seconds=[of a load that is not a file; otherwise its own]:UINT\:INT in \[1 - 86400\]: ' \
      '--target=[percent that CPUs are filled to]:FLOAT\:FLOAT in \[1 - 100\]: ' \
      '--mark=[percent above which a CPU is relieved; otherwise 5 above --target]:FLOAT\:FLOAT in \[1 - 100\]: ' \
      '--seed=[of chance]:UINT: ' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_napi_record() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--seconds=[how long]:UINT\:UINT in \[1 - 86400\]: ' \
      '--every=[seconds from one sample to the next]:FLOAT\:FLOAT in \[0.1 - 60\]: ' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_napi_set() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      ':MODE:(softirq deferred threaded busy-poll auto keep as-configured)' \
      && return 0
}

_xdpctl_napi_status() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_doctor() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--config=[configuration file; otherwise the daemon'\''s, or the default]:PATH:_files' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_reload() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_detach() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--all[off all of them, and remove everything that is pinned]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      '*:MEMBER:_xdpctl_names members' \
      && return 0
}

_xdpctl_explain() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      ':OPTION:(control control.group control.socket daemon daemon.bpffs daemon.state_dir down fdb fdb.max_entries forwarded frags group guest guest.cpu guest.mac guest.mode guest.name guest.profile guest.tap guest.tpid guest.vlan inactive log log.level miss missing no_reader no_room no_slot not_a_tap open other pending port_closed reflected reflected_drop relearn reserved ring_full runt too_long truncated_tag tuning tuning.adaptive_rx tuning.adaptive_tx tuning.apply tuning.channels tuning.cpus tuning.force tuning.irqbalance tuning.lro tuning.napi tuning.napi_idle_ms tuning.napi_polls tuning.napi_target tuning.napi_thread tuning.napi_usecs tuning.noqueue tuning.on_stop tuning.profile tuning.ring_rx tuning.ring_tx tuning.rps tuning.rx_frames tuning.rx_usecs tuning.steering tuning.tx_frames tuning.tx_usecs tuning.xps uplink uplink.devices uplink.promisc uplink.reflected uplink.relearn uplink.vlan_tag uplink.xdp_mode)' \
      && return 0
}

_xdpctl_version() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      && return 0
}

_xdpctl_completion() {
  _arguments -s \
      '-h[show this help]' \
      '--help[show this help]' \
      '--socket=[the daemon'\''s control socket; otherwise $XDPFWD_SOCKET, otherwise /run/xdpfwd/control.sock]:PATH:_files' \
      '--json[print JSON, as docs/json.md and '\''varlinkctl introspect'\'' describe it]' \
      ':SHELL:(bash zsh)' \
      && return 0
}

_xdpctl_line() {
  local xdpctl_socket=${${words[(r)--socket=*]}#--socket=}
  local -i at=${words[(i)--socket]}
  (( at < $#words )) && xdpctl_socket=${words[at + 1]}
  _xdpctl
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _xdpctl_line
else
  compdef _xdpctl_line xdpctl
fi
