# bash completion for xdpctl; made by 'xdpctl completion bash'. Needs bash 4 and nothing else.

# What the daemon knows, from the socket that the command line names.
_xdpctl_names() {
  local -a ask=(xdpctl)
  [[ -n $socket ]] && ask+=(--socket "$socket")
  "${ask[@]}" complete-names "$1" 2>/dev/null
}

# Offers the lines that begin with what is typed. Not compgen -W: it would expand what is in them.
_xdpctl_reply() {
  local line
  while IFS= read -r line; do
    [[ -n $line && $line == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$line")")
  done
}

_xdpctl() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
  local path='' socket='' options='' words='' word i
  COMPREPLY=()
  # bash takes '--option=value' for three words.
  [[ $cur == '=' ]] && cur=''
  [[ $prev == '=' ]] && prev=${COMP_WORDS[COMP_CWORD - 2]}
  # Which command is it? Options and their values may stand anywhere between its words.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
    --config | --count | --cpu | --cpus | --every | --guests | --load | --mac | --mark | --profile | --queues | --seconds | --seed | --simulate | --socket | --tap | --target | --tpid | --vlan)
      [[ ${COMP_WORDS[i + 1]} == '=' ]] && ((i++))
      ((i++))
      [[ $word == --socket ]] && socket=${COMP_WORDS[i]}
      ;;
    -*) ;;
    *)
      case "${path:+$path }$word" in
      "status" | "guest" | "guest add" | "guest del" | "guest list" | "fdb" | "fdb list" | "fdb lookup" | "port" | "port list" | "stats" | "plan" | "tune" | "tune plan" | "tune apply" | "tune revert" | "tune verify" | "tune suggest" | "tune suggest tx-coalesce" | "tune status" | "napi" | "napi histogram" | "napi pack" | "napi record" | "napi set" | "napi status" | "doctor" | "reload" | "detach" | "explain" | "version" | "completion") path="${path:+$path }$word" ;;
      esac
      ;;
    esac
  done
  case "$path:$prev" in
    *:--socket) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    "guest add:--tap") _xdpctl_reply < <(command ls /sys/class/net 2>/dev/null); return ;;
    "guest add:--mac") :; return ;;
    "guest add:--vlan") _xdpctl_reply < <(printf '%s\n' untagged); return ;;
    "guest add:--tpid") _xdpctl_reply < <(printf '%s\n' 802.1q 802.1ad); return ;;
    "guest add:--profile") _xdpctl_reply < <(printf '%s\n' inherit none latency balanced throughput); return ;;
    "guest add:--cpu") :; return ;;
    "fdb lookup:--tpid") _xdpctl_reply < <(printf '%s\n' 802.1q 802.1ad); return ;;
    "stats:--watch") :; return ;;
    "stats:--count") :; return ;;
    "tune verify:--seconds") :; return ;;
    "tune suggest tx-coalesce:--seconds") :; return ;;
    "napi histogram:--seconds") :; return ;;
    "napi pack:--simulate") mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
    "napi pack:--queues") :; return ;;
    "napi pack:--cpus") :; return ;;
    "napi pack:--guests") :; return ;;
    "napi pack:--load") :; return ;;
    "napi pack:--seconds") :; return ;;
    "napi pack:--target") :; return ;;
    "napi pack:--mark") :; return ;;
    "napi pack:--seed") :; return ;;
    "napi record:--seconds") :; return ;;
    "napi record:--every") :; return ;;
    "doctor:--config") mapfile -t COMPREPLY < <(compgen -f -- "$cur"); return ;;
  esac
  case "$path" in
    "")
      options='--help --version --socket --json'
      words='status guest fdb port stats plan tune napi doctor reload detach explain version completion'
      ;;
    "status")
      options='--help --check --socket --json'
      ;;
    "guest")
      options='--help --socket --json'
      words='add del list'
      ;;
    "guest add")
      options='--help --tap --mac --vlan --trunk --tpid --profile --cpu --ephemeral --dry-run --socket --json'
      ;;
    "guest del")
      options='--help --socket --json'
      [[ $cur == -* ]] || { _xdpctl_reply < <(_xdpctl_names guests); return; }
      ;;
    "guest list")
      options='--help --socket --json'
      ;;
    "fdb")
      options='--help --socket --json'
      words='list lookup'
      ;;
    "fdb list")
      options='--help --socket --json'
      ;;
    "fdb lookup")
      options='--help --tpid --socket --json'
      [[ $cur == -* ]] || { _xdpctl_reply < <(printf '%s\n' untagged); return; }
      ;;
    "port")
      options='--help --socket --json'
      words='list'
      ;;
    "port list")
      options='--help --socket --json'
      ;;
    "stats")
      options='--help --watch --count --socket --json'
      ;;
    "plan")
      options='--help --socket --json'
      ;;
    "tune")
      options='--help --socket --json'
      words='plan apply revert verify suggest status'
      ;;
    "tune plan")
      options='--help --socket --json'
      ;;
    "tune apply")
      options='--help --dry-run --socket --json'
      ;;
    "tune revert")
      options='--help --socket --json'
      ;;
    "tune verify")
      options='--help --seconds --socket --json'
      ;;
    "tune suggest")
      options='--help --socket --json'
      words='tx-coalesce'
      ;;
    "tune suggest tx-coalesce")
      options='--help --seconds --socket --json'
      [[ $cur == -* ]] || { _xdpctl_reply < <(_xdpctl_names members); return; }
      ;;
    "tune status")
      options='--help --socket --json'
      ;;
    "napi")
      options='--help --socket --json'
      words='histogram pack record set status'
      ;;
    "napi histogram")
      options='--help --seconds --socket --json'
      ;;
    "napi pack")
      options='--help --simulate --queues --cpus --guests --load --seconds --target --mark --seed --socket --json'
      ;;
    "napi record")
      options='--help --seconds --every --socket --json'
      ;;
    "napi set")
      options='--help --socket --json'
      [[ $cur == -* ]] || { _xdpctl_reply < <(printf '%s\n' softirq deferred threaded busy-poll auto keep as-configured); return; }
      ;;
    "napi status")
      options='--help --socket --json'
      ;;
    "doctor")
      options='--help --config --socket --json'
      ;;
    "reload")
      options='--help --socket --json'
      ;;
    "detach")
      options='--help --all --socket --json'
      [[ $cur == -* ]] || { _xdpctl_reply < <(_xdpctl_names members); return; }
      ;;
    "explain")
      options='--help --socket --json'
      [[ $cur == -* ]] || { _xdpctl_reply < <(printf '%s\n' control control.group control.socket daemon daemon.bpffs daemon.state_dir down fdb fdb.max_entries forwarded frags group guest guest.cpu guest.mac guest.mode guest.name guest.profile guest.tap guest.tpid guest.vlan inactive log log.level miss missing no_reader no_room no_slot not_a_tap open other pending port_closed reflected reflected_drop relearn reserved ring_full runt too_long truncated_tag tuning tuning.adaptive_rx tuning.adaptive_tx tuning.apply tuning.channels tuning.cpus tuning.force tuning.irqbalance tuning.lro tuning.napi tuning.napi_idle_ms tuning.napi_polls tuning.napi_target tuning.napi_thread tuning.napi_usecs tuning.noqueue tuning.on_stop tuning.profile tuning.ring_rx tuning.ring_tx tuning.rps tuning.rx_frames tuning.rx_usecs tuning.steering tuning.tx_frames tuning.tx_usecs tuning.xps uplink uplink.devices uplink.promisc uplink.reflected uplink.relearn uplink.vlan_tag uplink.xdp_mode); return; }
      ;;
    "version")
      options='--help --socket --json'
      ;;
    "completion")
      options='--help --socket --json'
      [[ $cur == -* ]] || { _xdpctl_reply < <(printf '%s\n' bash zsh); return; }
      ;;
  esac
  [[ $cur == -* ]] && words=$options
  _xdpctl_reply < <(printf '%s\n' $words)
}

complete -F _xdpctl xdpctl
