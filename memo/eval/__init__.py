"""`memo eval`: what memo remembers right, measured on this machine beside other methods.

Data become cases (`cases`): chunks to be read and questions to be asked between them. Methods
(`methods`) read and answer, the runner writes every verdict down as it is made, the report sums up.
"""
