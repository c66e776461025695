import Glibc
import Testing

@testable import TallyHandlers

@Suite struct `A network address` {
    private func bytes(_ text: String) throws -> [UInt8] {
        let isLong = text.contains(":")
        var bytes = [UInt8](repeating: 0, count: isLong ? 16 : 4)
        try #require(inet_pton(isLong ? AF_INET6 : AF_INET, text, &bytes) == 1)
        return bytes
    }

    @Test(arguments: [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.168.1.1", "198.18.0.1", "198.19.255.255",
        "224.0.0.1",
        "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.0.2.1", "198.51.100.1", "203.0.113.1",
        "::", "::1", "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd12:3456::1", "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2001::1", "2001:db8::1",
        "2002:7f00:1::1", "::7f00:1", "3fff::1", "4000::1",
    ])
    func `of this machine, of its networks, of nobody or of many is not public`(_ text: String) throws {
        #expect(!NetworkAddress.isPublic(try bytes(text)))
    }

    @Test(arguments: [
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255",
        "198.20.0.0", "223.255.255.255", "2606:4700:4700::1111", "2001:4860:4860::8888", "2a00::1", "3ffe::1",
        "::ffff:1.1.1.1", "64:ff9b::101:101",
    ])
    func `of the internet is public`(_ text: String) throws {
        #expect(NetworkAddress.isPublic(try bytes(text)))
    }

    @Test func `of another length is not`() {
        #expect(!NetworkAddress.isPublic([]) && !NetworkAddress.isPublic([1, 1, 1, 1, 1]))
    }
}
