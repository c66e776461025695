import TallyCore

/// Rows of a binary COPY, encoded a piece at a time: the server takes one piece in while the next is made.
package struct CopyRows {
    @usableFromInline let count: Int
    @usableFromInline let write: (inout [UInt8], Int) -> Void

    /// Rows of so many columns each; `write` appends the fields of one row, in the order of the COPY statement.
    @inlinable package init<Row>(
        _ rows: [Row], columns: Int16, _ write: @escaping (inout [UInt8], Row) -> Void
    ) {
        count = rows.count
        self.write = { out, index in
            out.appendBigEndian(columns)
            write(&out, rows[index])
        }
    }

    /// The whole stream, in pieces, each handed to `send` as soon as it is full.
    package func forEachPiece(_ send: ([UInt8]) throws(LedgerError) -> Void) throws(LedgerError) {
        var piece = Array("PGCOPY\n".utf8) + [0xFF, 13, 10, 0]
        piece.reserveCapacity(Limits.copyPieceBytes + 4096)
        piece.appendBigEndian(Int32(0))  // flags
        piece.appendBigEndian(Int32(0))  // no extension
        for index in 0..<count {
            write(&piece, index)
            if piece.count >= Limits.copyPieceBytes {
                try send(piece)
                piece.removeAll(keepingCapacity: true)
            }
        }
        piece.appendBigEndian(Int16(-1))
        try send(piece)
    }
}
