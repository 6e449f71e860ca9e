import { BlockList, isIPv4 } from 'node:net'

/** What of IPv4 is not the public internet (IANA's special-purpose registry), and two providers' metadata addresses. */
const special: [range: string, what: string][] = [
  ['0.0.0.0/8', 'of this network'],
  ['10.0.0.0/8', 'private'],
  ['100.64.0.0/10', 'shared by a carrier'],
  ['127.0.0.0/8', 'of this machine'],
  ['168.63.129.16/32', 'a metadata service'],
  ['169.254.0.0/16', 'link-local'],
  ['172.16.0.0/12', 'private'],
  ['192.0.0.0/24', 'reserved'],
  ['192.0.2.0/24', 'reserved'],
  ['192.88.99.0/24', 'reserved'],
  ['192.168.0.0/16', 'private'],
  ['198.18.0.0/15', 'reserved'],
  ['198.51.100.0/24', 'reserved'],
  ['203.0.113.0/24', 'reserved'],
  ['224.0.0.0/4', 'multicast'],
  ['240.0.0.0/4', 'reserved'],
]

const ranges4 = special.map(([range, what]) => ({ list: listOf([range], 'ipv4'), what }))

/** Of IPv6 only global unicast is public, without tunnels that carry an IPv4 address and without examples. */
const global6 = listOf(['2000::/3'], 'ipv6')
const reserved6 = listOf(['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'], 'ipv6')

function listOf(ranges: string[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [network = '', bits] = range.split('/')
    list.addSubnet(network, Number(bits), family)
  }
  return list
}

/** What an address is when it is not public; undefined when it is. */
export function blockedRange(address: string): string | undefined {
  const bare = address.replace(/%.*$/, '')
  if (isIPv4(bare)) return ranges4.find(({ list }) => list.check(bare, 'ipv4'))?.what
  return global6.check(bare, 'ipv6') && !reserved6.check(bare, 'ipv6') ? undefined : 'not public'
}
