import TallyCore
import Testing

@testable import Tallystick

@Suite struct `An .env file` {
    @Test(arguments: [
        ("TALLY_MODE=queued\r\nTALLY_NAMESPACE=a\r\n", "queued"), ("TALLY_MODE = queued ", "queued"),
        ("export TALLY_MODE=queued", "queued"), ("  export\tTALLY_MODE\t=\tqueued", "queued"),
        ("\u{FEFF}TALLY_MODE=queued", "queued"), ("TALLY_MODE=\"queued\" # why", "queued"),
        ("TALLY_MODE='que#ued'", "que#ued"), ("TALLY_MODE=\"a\\\"b\\\\\\n\"", "a\"b\\\n"),
        ("TALLY_MODE=", ""),
        ("TALLY_MODE=a#b", "a#b"), ("# x\r\n\r\n\nTALLY_MODE=queued", "queued"),
        ("OTHER=\"one\ntwo\"\nTALLY_MODE=queued", "queued"), ("TALLY_MODE=a=b", "a=b"),
        ("TALLY_MODE='a\\'", "a\\"),
    ])
    func `is read in every spelling [H7]`(_ text: String, _ mode: String) throws {
        #expect(try Settings.dotEnv(text)["TALLY_MODE"] == mode)
    }

    @Test(arguments: [
        ("junk", 1), ("A=1\njunk", 2), ("=x", 1), ("1A=x", 1), ("A B=x", 1), ("TALLY_MOD=x", 1), ("A-B=x", 1),
        ("TALLY_MODE=a\nTALLY_MODE=b", 2), ("A=\"x", 1), ("A='x\n\n", 1), ("A=\"x\" y", 1), ("A=x \"y\"", 1),
        ("A=x # y", 1), ("A=a\rB=b", 1), ("A=\"\\x\"", 1), ("A=\"1\n2\"\nB", 3), ("ÄRGER=1", 1),
        ("\u{A0}A=1", 1),
    ])
    func `is refused by file and line, never passed over [H7, P15]`(_ text: String, _ line: Int) throws {
        let error = try #require(throws: InvalidSetting.self) { try Settings.dotEnv(text) }

        #expect(error.setting == ".env line \(line)", "\(error)")
    }
}
